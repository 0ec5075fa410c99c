"""The pages of `twolayer explain`: each runs what it shows, and says it in English or Chinese."""

from __future__ import annotations

from twolayer.inspection.wording import Both

# Labels that every page uses
SHAPES = Both(en="shapes", zh="形状")
RULE = Both(en="chain rule", zh="链式法则")
VALUE = Both(en="value", zh="数值")
CHANGED = Both(en="changed", zh="变化")
BEFORE = Both(en="before", zh="之前")
AFTER = Both(en="after", zh="之后")
YES = Both(en="yes", zh="相同")
NO = Both(en="no", zh="不同")
STEP = Both(en="step", zh="步数")
NO_TORCH = Both(
    en="this page needs PyTorch, which is not installed: {install}",
    zh="这一页需要 PyTorch，但这里没有安装：{install}",
)
