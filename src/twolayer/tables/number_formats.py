"""Formats of numbers other than the plain one: a percent sign, or a comma before the decimals."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from twolayer import checks
from twolayer.tables.table import Table, is_missing, parse_number, present_words
from twolayer.tables.units import common_unit, without_thousands
from twolayer.text import first_names

DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
AMBIGUOUS_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 1,234: one and a bit, or a thousand
CLEAR_THOUSANDS = re.compile(r"[+-]?\d{1,3}((,\d{3})+\.\d+|(,\d{3}){2,})")
COMMA_DELIMITERS = (";", "\t")  # between fields; a comma inside a field cannot be one of them


@dataclass(eq=False)
class NumberFormats:
    """The formats of the numbers read so far, block by block.

    Attributes
    ----------
    percents, commas : dict
        The columns with percent signs, and with decimal commas, as keys.
    decimals : bool or None
        Whether a comma stands before decimals (not between thousands); None until a field shows it.
    units : dict
        The columns whose numbers have a unit or a currency, and which.
    """

    percents: dict[str, None] = field(default_factory=dict)
    commas: dict[str, None] = field(default_factory=dict)
    decimals: bool | None = None
    units: dict[str, str] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """Return a line about each format that is not plain."""
        lines = []
        if self.percents:
            lines.append(f"percent signs in {first_names(self.percents)}: 88.5% is read as 88.5")
        if self.commas:
            lines.append(f"decimal commas in {first_names(self.commas)}: 3,5 is read as 3.5")
        for unit in dict.fromkeys(self.units.values()):
            names = [name for name, one in self.units.items() if one == unit]
            lines.append(
                f"numbers in {checks.short_repr(unit)} in {first_names(names)}: the unit is left out"
            )
        return lines


def read_formatted_numbers(
    table: Table, formats: NumberFormats, skip: Collection[str] = ()
) -> Table:
    """Return the table with the numbers of those columns of text that hold nothing else in more than half of their fields.

    Percent signs are read if every field with a value has one. Commas are read as decimal commas if semicolons or tabs
    separate the fields and some field cannot mean thousands. The texts stay as they are in the file.
    """
    if table.sparse:
        return table
    columns = {
        name: fields
        for name, fields in table.texts.items()
        if name not in skip and any("%" in field or "," in field for field in fields)
    }
    present = {name: present_words(fields) for name, fields in columns.items()}
    percents = {name for name, words in present.items() if words and all(map(is_percent, words))}
    commas = {name for name, words in present.items() if has_commas(words)}
    if table.delimiter not in COMMA_DELIMITERS or not decide_commas(
        [present[name] for name in commas], formats
    ):
        commas = set()
    index = table.index()
    numbers = table.numbers.copy() if percents or commas else table.numbers
    for name in [name for name in columns if name in percents or name in commas]:
        values = [parse_formatted(text, name in percents, name in commas) for text in columns[name]]
        numbers[:, index[name]] = values
        if np.isfinite(values).sum() == len(present[name]):
            formats.percents.update(dict.fromkeys([name] if name in percents else []))
            formats.commas.update(dict.fromkeys([name] if name in commas else []))
    return with_unit_numbers(replace(table, numbers=numbers), formats, skip)


def with_unit_numbers(table: Table, formats: NumberFormats, skip: Collection[str]) -> Table:
    """Return the table with the numbers of those columns of text whose fields all have the same unit or currency."""
    units, numbers, index = dict[str, str](), table.numbers, table.index()
    for name, fields in table.texts.items():
        found = None if name in skip else common_unit(present_words(fields))
        if found is None:
            continue
        unit, plain = found
        if table.delimiter in COMMA_DELIMITERS and decide_commas([plain], formats):
            plain = [number.replace(",", ".") for number in plain]
        values = list(map(parse_number, without_thousands(plain) or ["?"]))
        if None in values:
            continue
        numbers = numbers.copy() if numbers is table.numbers else numbers
        present = [not is_missing(field) for field in fields]
        numbers[present, index[name]] = values
        units[name] = unit
    formats.units |= units
    return replace(table, numbers=numbers, units=units) if units else table


def is_percent(text: str) -> bool:
    """Return whether a percent sign ends the field."""
    return text.endswith("%")


def without_percent(text: str) -> str:
    """Return the field without its percent sign."""
    return text.removesuffix("%").rstrip()


def has_commas(words: Sequence[str]) -> bool:
    """Return whether more than half of the fields are numbers, with a percent sign or not, and some have a comma."""
    numbers = [
        word
        for word in map(without_percent, words)
        if DECIMAL_COMMA.fullmatch(word) or CLEAR_THOUSANDS.fullmatch(word)
    ]
    return 2 * len(numbers) > len(words) and any("," in word for word in numbers)


def decide_commas(columns: Iterable[Sequence[str]], formats: NumberFormats) -> bool:
    """Return whether commas stand before decimals, as far as these columns, and the blocks before, show."""
    words = [without_percent(word) for column in columns for word in column if "," in word]
    if any(CLEAR_THOUSANDS.fullmatch(word) for word in words):
        formats.decimals = False
    elif formats.decimals is None and not all(map(is_ambiguous, words)):
        formats.decimals = True
    return bool(formats.decimals)


def is_ambiguous(word: str) -> bool:
    """Return whether a field with a comma does not show by itself what the comma means."""
    return not DECIMAL_COMMA.fullmatch(word) or AMBIGUOUS_THOUSANDS.fullmatch(word) is not None


def parse_formatted(text: str, percent: bool, comma: bool) -> float:
    """Return the number in a field of that format; NaN if there is none."""
    bare = without_percent(text) if percent else text
    if comma and DECIMAL_COMMA.fullmatch(bare):
        bare = bare.replace(",", ".")
    value = None if is_missing(bare) else parse_number(bare)
    return np.nan if value is None else value
