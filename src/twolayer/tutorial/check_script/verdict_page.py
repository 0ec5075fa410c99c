"""A verdict as a page: the answer, the line, the cause, and entries beside what they should be."""

from __future__ import annotations

from typing import Any

from twolayer.text import printable, single_line
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.check_script.messages import (
    COURSE_MESSAGES,
    LOSS_KINDS,
    REPEATED_LOSS_MESSAGES,
    RIGHT_MESSAGES,
    UNCHECKED_MESSAGES,
    WRONG_MESSAGES,
)
from twolayer.tutorial.check_script.verdict import RIGHT, ScriptVerdict
from twolayer.tutorial.layout import Page, format_short

STUCK = 0.999  # of the first loss
MAX_VALUE_TEXT = 300

RIGHT_HEADING = Bilingual(en="{script}: right", zh="{script}：正确")
WRONG_HEADING = Bilingual(en="{script}: wrong, line {line}", zh="{script}：第 {line} 行有错")
UNKNOWN_LINE_HEADING = Bilingual(en="{script}: wrong", zh="{script}：有错")
ENTRY_HEADING = Bilingual(en="entry", zh="元素")
VALUE_HEADING = Bilingual(en="the script has", zh="脚本算出")
TRUTH_HEADING = Bilingual(en="should be", zh="应为")
TRUTH_NOTE = Bilingual(
    en="What it should be was found with finite differences: how much the script's own loss changes if {role} does.",
    zh="应有的值由有限差分得到：{role} 稍有改变时，脚本自己的损失改变多少。",
)
USUAL_NOTE = Bilingual(
    en="That was multiplied by {usual}, as all gradients of this script are; it only changes the learning rate.",
    zh="结果又乘以了 {usual}，因为这个脚本的所有梯度都带有这个因子；它只相当于改变学习率。",
)
ERROR_NOTE = Bilingual(
    en="Python's own message: {error}: {message}", zh="Python 自己的报错：{error}：{message}"
)
UNCHECKED_LINE = Bilingual(
    en="{script} could not be checked: {reason}", zh="{script} 无法检查：{reason}"
)


def show_verdict(page: Page, script: str, verdict: ScriptVerdict) -> None:
    """Write the page of a script that is right or wrong."""
    if verdict.status == RIGHT:
        page.title(RIGHT_HEADING, script=script)
        page.block(right_text(page.lang, verdict))
        course = course_text(page.lang, verdict.values)
        if course:
            page.line()
            page.block(course)
        return
    heading = WRONG_HEADING if verdict.line else UNKNOWN_LINE_HEADING
    page.title(heading, script=script, line=verdict.line)
    if verdict.text:
        page.code(printable(verdict.text), verdict.line)
        page.line()
    page.block(wrong_text(page.lang, verdict))
    if verdict.entries:
        show_entries(page, verdict)
    if "error" in verdict.values:
        page.line()
        page.block(ERROR_NOTE.said(page.lang, **safe_values(verdict.values)))


def show_entries(page: Page, verdict: ScriptVerdict) -> None:
    """Write some entries beside what they should be."""
    page.line()
    head = [heading.said(page.lang) for heading in (ENTRY_HEADING, VALUE_HEADING, TRUTH_HEADING)]
    rows = [
        [name, format_short(has), format_short(should)] for name, has, should in verdict.entries
    ]
    page.table(head, rows)
    page.line()
    page.block(TRUTH_NOTE.said(page.lang, role=verdict.values.get("role", "")))
    usual = verdict.values.get("usual", 1.0)
    if abs(usual - 1) > 1e-6:
        page.block(USUAL_NOTE.said(page.lang, usual=format_short(usual)))


def right_text(lang: str, verdict: ScriptVerdict) -> str:
    """Return why a script is right."""
    values = safe_values(verdict.values)
    values["weights"] = ("、" if lang == "zh" else ", ").join(verdict.values["weights"])
    cause = "other_loss" if verdict.cause.endswith("other_loss") else verdict.cause
    if cause == "other_loss":
        values["kind"] = LOSS_KINDS[verdict.values["kind"]].said(lang)
    text = RIGHT_MESSAGES[cause].said(lang, **values)
    if "times" not in values:
        return text
    repeated = REPEATED_LOSS_MESSAGES["one" if verdict.values["which"] else "sum"]
    return text + (" " if lang == "en" else "") + repeated.said(lang, **values)


def course_text(lang: str, values: dict[str, Any]) -> str:
    """Return what the loss did; "" if it was not followed."""
    if "first" not in values:
        return ""
    stuck = values["last"] > STUCK * values["first"] > 0 and values["iterations"] > 50
    return COURSE_MESSAGES["stuck" if stuck else "falls"].said(lang, **safe_values(values))


def wrong_text(lang: str, verdict: ScriptVerdict) -> str:
    """Return what is wrong, why, and what to write instead."""
    cause = verdict.cause
    if cause == "scale" and verdict.values.get("rows"):
        cause += "_" + verdict.values["rows"]
    if cause == "not_cleared" and not verdict.values["name"].endswith(".grad"):
        cause += "_array"
    return WRONG_MESSAGES[cause].said(lang, **safe_values(verdict.values))


def unchecked_text(lang: str, script: str, verdict: ScriptVerdict) -> str:
    """Return in one sentence why a script could not be checked."""
    values = safe_values(verdict.values) | {"line": verdict.line}
    reason = UNCHECKED_MESSAGES[verdict.cause].said(lang, **values)
    return UNCHECKED_LINE.said(lang, script=script, reason=reason)


def safe_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values as texts of one line, numbers with six digits."""
    found = {}
    for name, value in values.items():
        text = format_short(value) if isinstance(value, float) else single_line(str(value))
        found[name] = text if len(text) <= MAX_VALUE_TEXT else text[: MAX_VALUE_TEXT - 3] + "..."
    return found
