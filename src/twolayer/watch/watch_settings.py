"""What a page asks to be run: checked once, at the door, in the reader's words."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from twolayer.tutorial.bilingual import Bilingual

SIZE_LIMITS = {"rows": 2000, "inputs": 5000, "hidden": 500, "outputs": 100}
ARRAY_LIMIT = 2_000_000  # of one array
WATCH_ENGINES = ("numpy", "torch", "autograd", "custom")
BY_HAND_BREAKS = ("mask", "copy", "order", "mean", "bias_sum", "accumulate", "zeros", "flat_y")
AUTOGRAD_BREAKS = ("zeros", "flat_y", "rebind", "rebind_no_grad", "recorded", "not_cleared")
PAGE_CHOICES = {
    "problem": ("random", "quadrants", "own"),
    "activation": ("relu", "identity"),
    "dtype": ("float64", "float32"),
    "engine": WATCH_ENGINES,
}

SIZE_REFUSAL = Bilingual(
    en="{name} must be a whole number from 1 to {most}; got {value}",
    zh="{name} 必须是 1 到 {most} 的整数，而给出的是 {value}",
)
NUMBERS_REFUSAL = Bilingual(
    en="an array of {count:,} numbers is too large for the page, which takes up to {most:,}: choose smaller sizes",
    zh="一个数组有 {count:,} 个数，超过了页面能处理的 {most:,} 个：请改用小一些的尺寸",
)
CHOICE_REFUSAL = Bilingual(
    en="{name} must be one of {choices}; got {value}",
    zh="{name} 只能是 {choices} 之一，而给出的是 {value}",
)
RATE_REFUSAL = Bilingual(
    en="the learning rate must be a finite number above 0; got {value}",
    zh="学习率必须是大于 0 的有限数，而给出的是 {value}",
)
SEED_REFUSAL = Bilingual(
    en="the seed must be a whole number from 0 to 2^53; got {value}",
    zh="种子必须是 0 到 2^53 的整数，而给出的是 {value}",
)
BREAK_REFUSAL = Bilingual(
    en="the mistake {value} cannot be made with {engine}, only: {choices}",
    zh="错误 {value} 在 {engine} 里做不出来，可选的有：{choices}",
)


class PageRequestError(Exception):
    """What a page asked for cannot be done; the text says why in both languages."""

    def __init__(self, text: Bilingual, **values: Any) -> None:
        self.text = Bilingual(text.said("en", **values), text.said("zh", **values))
        super().__init__(self.text.en)


@dataclass(frozen=True)
class WatchSettings:
    """A program and the engine that runs it, by the names that the page has for them."""

    problem: str = "random"
    rows: int = 64
    inputs: int = 1000
    hidden: int = 100
    outputs: int = 10
    bias: bool = False
    activation: str = "relu"
    rate: float = 1e-6
    seed: int = 0
    dtype: str = "float64"
    engine: str = "numpy"
    breaks: tuple[str, ...] = ()

    def without_mistakes(self) -> WatchSettings:
        """Return the same program, right."""
        return checked_settings({**vars(self), "breaks": []})


def checked_settings(given: Any) -> WatchSettings:
    """Return the settings that a page sent.

    Raises
    ------
    PageRequestError
        If one of them cannot be used.
    """
    given = given if isinstance(given, dict) else {}
    known = {field.name for field in fields(WatchSettings)}
    values = {name: value for name, value in given.items() if name in known}
    values["breaks"] = tuple(str(name) for name in values.get("breaks") or ())
    values["bias"] = values.get("bias") is True
    settings = WatchSettings(**values)
    for name, most in SIZE_LIMITS.items():
        value = getattr(settings, name)
        if not is_whole_number(value) or not 1 <= value <= most:
            raise PageRequestError(SIZE_REFUSAL, name=name, most=most, value=shortened(value))
    count = max(settings.rows, settings.hidden) * settings.inputs
    if count > ARRAY_LIMIT:
        raise PageRequestError(NUMBERS_REFUSAL, count=count, most=ARRAY_LIMIT)
    for name, choices in PAGE_CHOICES.items():
        value = getattr(settings, name)
        if value not in choices:
            raise PageRequestError(
                CHOICE_REFUSAL, name=name, choices=", ".join(choices), value=shortened(value)
            )
    rate = settings.rate
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate < math.inf:
        raise PageRequestError(RATE_REFUSAL, value=shortened(rate))
    if not is_whole_number(settings.seed) or not 0 <= settings.seed <= 2**53:
        raise PageRequestError(SEED_REFUSAL, value=shortened(settings.seed))
    if settings.problem == "quadrants":
        settings = replace(settings, rows=12, inputs=2, outputs=4)
    return check_breaks(settings)


def check_breaks(settings: WatchSettings) -> WatchSettings:
    """Return the settings, if their engine has lines in which these mistakes can be made."""
    by_hand = settings.engine in ("numpy", "torch")
    choices = BY_HAND_BREAKS if by_hand else AUTOGRAD_BREAKS
    for name in settings.breaks:
        if name not in choices:
            raise PageRequestError(
                BREAK_REFUSAL,
                value=shortened(name),
                engine=settings.engine,
                choices=", ".join(choices),
            )
    return settings


def is_whole_number(value: Any) -> bool:
    """Return whether a value from JSON is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def shortened(value: Any) -> str:
    """Return a value as text for a sentence."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
