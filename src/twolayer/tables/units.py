"""Numbers with a unit or a currency, such as 12.5 mg and $206.18, in columns where all have the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from twolayer.tables.table import parse_number

CURRENCIES = r"[$€£¥₹₩₽₺₫฿]|US\$|[A-Z]{3}(?= )|CHF|kr\.?"
# written without a blank after the number; after a blank any short word is a unit
SUFFIXES = (
    r"[kKmMµμncd]?(?:g|m|s|l|L|V|A|W|Hz|J|Pa|mol|M|bar|eV|Wh|cal|B|b)|[GT]Hz|[GT]B|h|hrs?|mins?|d|days?|yrs?|years?|y|kg|lbs?|oz|ft|"
    r"[kKmM]|U|IU|mU|%|‰|ppm|ppb|dB|dBm|px|pt|rpm|bpm|mmHg|°|°?[CFK]|x"
)
NUMBER = r"[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
WITH_UNIT = re.compile(
    rf"(?P<sign>[+-]?)(?P<before>{CURRENCIES})? ?(?P<number>{NUMBER})"
    r"(?: (?P<word>(?:[^\W\d_]|[€£$¥%‰°µμ])[^\d\s,;]{0,11})|"
    rf"(?P<after>(?:{SUFFIXES}|[€£$¥])(?:/[^\W\d_]{{1,4}})?))?"
)
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
CLEAR_MARKS = re.compile(r".*,\d{3}(,|\.\d)")


def split_unit(word: str) -> tuple[str, str] | None:
    """Return the unit (or currency) of a field and its number, as texts; None if it is no number with a unit.

    Examples
    --------
    >>> split_unit("12.5 mg"), split_unit("-$206.18"), split_unit("7"), split_unit("S01")
    (('mg', '12.5'), ('$', '-206.18'), None, None)
    """
    found = WITH_UNIT.fullmatch(word)
    if found is None:
        return None
    unit = found["before"] or found["word"] or found["after"]
    if not unit or unit == "%" or (found["before"] and (found["word"] or found["after"])):
        return None
    if found["sign"] and found["number"][0] in "+-":
        return None
    return unit, found["sign"] + found["number"]


def common_unit(words: Sequence[str]) -> tuple[str, list[str]] | None:
    """Return the unit that every field has, and their numbers as texts; None if they have none in common."""
    parts = [split_unit(word) for word in words[:1]]
    if not parts or parts[0] is None:
        return None
    unit, numbers = parts[0][0], []
    for word in words:
        part = split_unit(word)
        if part is None or part[0] != unit:
            return None
        numbers.append(part[1])
    return unit, numbers


def without_thousands(numbers: Sequence[str]) -> list[str] | None:
    """Return numbers without the commas between their thousands; None if some comma could mean something else."""
    marked = [number for number in numbers if "," in number]
    if not all(map(THOUSANDS.fullmatch, marked)):
        return None
    if marked and not any(map(CLEAR_MARKS.match, marked)):
        return None
    return [number.replace(",", "") for number in numbers]


def units_seen(words: Sequence[str]) -> tuple[Counter[str], int]:
    """Return how many fields have each unit, and how many are plain numbers."""
    units = Counter(part[0] for word in words if (part := split_unit(word)) is not None)
    return units, sum(parse_number(word) is not None for word in words)
