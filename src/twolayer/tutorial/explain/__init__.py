"""The pages of `twolayer explain`: each runs what it shows, and explains it in English or Chinese."""

from __future__ import annotations

from twolayer.tutorial.bilingual import Bilingual

# Labels that every page uses
SHAPES_LABEL = Bilingual(en="shapes", zh="形状")
RULE_LABEL = Bilingual(en="chain rule", zh="链式法则")
VALUE_LABEL = Bilingual(en="value", zh="数值")
CHANGED_LABEL = Bilingual(en="changed", zh="变化")
BEFORE_LABEL = Bilingual(en="before", zh="之前")
AFTER_LABEL = Bilingual(en="after", zh="之后")
STEP_HEADING = Bilingual(en="step", zh="步数")
NO_TORCH_NOTE = Bilingual(
    en="this page needs PyTorch, which is not installed: {install}",
    zh="这一页需要 PyTorch，但这里没有安装：{install}",
)
