"""What `twolayer explain` was asked, checked in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from twolayer.errors import InputError
from twolayer.maths.activations import ACTIVATIONS
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain.program import table_rate
from twolayer.tutorial.ladder import PROGRAMS, LadderProgram
from twolayer.tutorial.lesson_table import LessonTable, read_lesson_table

WHOLE_NUMBERS = {"n_rows": 1, "n_inputs": 1, "n_hidden": 1, "n_outputs": 1, "steps": 1, "seed": 0}
LESSON_PROGRAMS = ("P1", "P2", "P3", "P4")  # those of NumPy
TABLE_UNITS = 20  # hidden units for a table of one's own

NOT_WHOLE_TEXT = Bilingual(
    en="{option} must be a whole number, at least {least}; got '{given}'",
    zh="{option} 必须是不小于 {least} 的整数，而给出的是 '{given}'",
)
NOT_POSITIVE_TEXT = Bilingual(
    en="{option} must be a finite number above 0; got '{given}'",
    zh="{option} 必须是大于 0 的有限数，而给出的是 '{given}'",
)
UNKNOWN_CHOICE_TEXT = Bilingual(
    en="{option}: there is no '{given}'; choose one of {choices}{nearest}",
    zh="{option}：没有 '{given}'，可选的有 {choices}{nearest}",
)
CLOSEST_TEXT = Bilingual(en="; did you mean '{name}'?", zh="；是不是想写 '{name}'？")
NOT_HERE_TEXT = Bilingual(
    en="{option} has no meaning with {other}: leave one of them out",
    zh="{option} 与 {other} 不能一起用：请去掉其中一个",
)
FIXED_SIZE_TEXT = Bilingual(
    en="{option} is fixed by the data ({data}): leave it out",
    zh="{option} 由数据决定（{data}）：请去掉它",
)
NO_TABLE_TEXT = Bilingual(
    en="--target names a column of a table: give the table too",
    zh="--target 指的是表里的一列：请同时给出那张表",
)


def lesson_program(given: dict[str, Any], reader: str) -> tuple[LadderProgram, LessonTable | None]:
    """Return the program with the sizes and settings that were given, and the table if there is one."""
    if given["table"] is None:
        if given["target"] is not None:
            raise InputError(NO_TABLE_TEXT.said(reader))
        name = check_choice(
            "--program", (given["program"] or "P1").upper(), LESSON_PROGRAMS, reader
        )
        return preset_program(PROGRAMS[name], given, reader), None
    refuse("a table" if reader == "en" else "自己的表", given, ["program"], reader)
    check_fixed_sizes(given, given["table"], reader)
    table = read_lesson_table(Path(given["table"]), given["target"], reader)
    start = LadderProgram(
        problem="table",
        n_rows=table.n_rows,
        n_inputs=len(table.names) - 1,
        n_outputs=table.n_outputs,
        n_hidden=TABLE_UNITS,
        bias=True,
    )
    program = preset_program(start, given, reader)
    rate = table_rate(program, table) if given["learning_rate"] is None else None
    if rate is not None:
        program, table = replace(program, learning_rate=rate), replace(table, rate_was_tried=True)
    return program, table


def preset_program(preset: LadderProgram, given: dict[str, Any], reader: str) -> LadderProgram:
    """Return the preset with what was given in place of its own settings."""
    chosen: dict[str, Any] = {
        name: check_whole(option_name(name), given[name], reader, least)
        for name, least in WHOLE_NUMBERS.items()
        if given[name] is not None
    }
    if preset.problem == "quadrants":
        check_fixed_sizes(given, "P4", reader)
    if given["bias"] is not None:
        chosen["bias"] = given["bias"]
    if given["activation"] is not None:
        chosen["activation"] = check_choice(
            "--activation", given["activation"], ACTIVATIONS, reader
        )
    if given["learning_rate"] is not None:
        rate = check_positive("--learning-rate", given["learning_rate"], reader)
        chosen["learning_rate"] = rate
    return replace(preset, **chosen)


def check_fixed_sizes(given: dict[str, Any], data: str, reader: str) -> None:
    """Raise if a size was given that the data decides."""
    for name in ("n_rows", "n_inputs", "n_outputs"):
        if given[name] is not None:
            raise InputError(FIXED_SIZE_TEXT.said(reader, option=option_name(name), data=data))


def refuse(other: str, given: dict[str, Any], names: Iterable[str], reader: str) -> None:
    """Raise if one of these options was given, which has no meaning with the other."""
    for name in names:
        if given[name] not in (None, False):
            raise InputError(NOT_HERE_TEXT.said(reader, option=option_name(name), other=other))


def option_name(name: str) -> str:
    """Return how an argument is written on the command line."""
    return "TABLE" if name == "table" else "--" + name.replace("_", "-")


def check_choice(option: str, given: str, choices: Collection[str], lang: str) -> str:
    """The choice of that name."""
    if given in choices:
        return given
    close = get_close_matches(given, list(choices), n=1, cutoff=0.5)
    nearest = CLOSEST_TEXT.said(lang, name=close[0]) if close else ""
    raise InputError(
        UNKNOWN_CHOICE_TEXT.said(
            lang, option=option, given=given, choices=", ".join(choices), nearest=nearest
        )
    )


def check_whole(option: str, given: str, lang: str, least: int = 1) -> int:
    """A whole number that is large enough."""
    return parse_option_number(
        int, lambda value: value >= least, NOT_WHOLE_TEXT, option, given, lang, least=least
    )


def check_positive(option: str, given: str, lang: str) -> float:
    """A finite number above 0."""
    return parse_option_number(
        float, lambda value: 0 < value < math.inf, NOT_POSITIVE_TEXT, option, given, lang
    )


def parse_option_number(
    kind: Callable[[str], Any],
    is_good: Callable[[Any], bool],
    wrong: Bilingual,
    option: str,
    given: str,
    lang: str,
    **values: Any,
) -> Any:
    """What was given as a number, if it is a good one."""
    try:
        value = kind(given)
    except ValueError:
        value = None
    if value is None or not is_good(value):
        raise InputError(wrong.said(lang, option=option, given=given, **values))
    return value
