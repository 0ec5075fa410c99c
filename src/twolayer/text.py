"""English for messages: how many of a thing, lists of names, and text that stays in one line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

MAX_NAMES = 5


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Return `1 row` or `2,000 rows`.

    Examples
    --------
    >>> plural(1, "row"), plural(2000, "row"), plural(2, "class", "classes")
    ('1 row', '2,000 rows', '2 classes')
    """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def join_words(words: Sequence[str]) -> str:
    """Return `a, b and c`.

    Examples
    --------
    >>> join_words(["a", "b", "c"]), join_words(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join([", ".join(words[:-1])] * (len(words) > 1) + list(words[-1:]))


def first_names(names: Iterable[object], most: int = MAX_NAMES, quote: str = "'") -> str:
    """Return the first few names in quotes and in one line, and how many more there are.

    Examples
    --------
    >>> first_names("abc"), first_names("abcdefg", most=2), first_names([1, 2], quote="")
    ("'a', 'b', 'c'", "'a', 'b' and 5 more", '1, 2')
    """
    names = list(names)
    shown = ", ".join(f"{quote}{single_line(str(name))}{quote}" for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def spelling_key(text: str) -> str:
    """Return what a word has in common with its other spellings: without case, and blanks or marks between its letters.

    Examples
    --------
    >>> spelling_key("Lum_B ") == spelling_key("lum b"), spelling_key("HER2+") == spelling_key("HER2-")
    (True, False)
    """
    return re.sub(r"(?<=[^\W\d_])[\s_-]+(?=\w)", "", " ".join(text.casefold().split()))


def other_spelling(name: object, names: Iterable[object]) -> str | None:
    """Return the first of the names that is another spelling of this one; None if there is none."""
    key = spelling_key(str(name))
    alike = (str(one) for one in names if str(one) != str(name))
    return next((one for one in alike if spelling_key(one) == key), None)


def among_the_first(count: int) -> str:
    """Return `the first` or `among the first 10`."""
    return "the first" if count == 1 else f"among the first {count:,}"


def printable(text: str, escape: Callable[[str], str] | None = None) -> str:
    """Return the text, its lines kept, with escape codes for what a terminal would obey or hide.

    These are control characters (ESC, and those of the upper half, C1), marks of writing direction, other characters
    without a shape, and half characters. `escape`: what writes one of them; None writes it as Python does.

    Examples
    --------
    >>> printable("gène\u00a0A\\n"), printable("\\x1b[2J\\u202e")
    ('gène\\xa0A\\n', '\\\\x1b[2J\\\\u202e')
    """
    if text.isprintable():  # fast, and true for nearly every text
        return text
    escape = escape or (lambda letter: letter.encode("unicode_escape").decode())
    return "".join(
        letter
        if letter in "\n\t" or letter.isprintable() or unicodedata.category(letter) == "Zs"
        else escape(letter)
        for letter in text
    )


def single_line(text: str) -> str:
    """Return the text with escape codes for the characters that would break a line or control a terminal.

    Examples
    --------
    >>> single_line("gène A"), single_line("two\\nlines")
    ('gène A', 'two\\\\nlines')
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def has_control_characters(text: str, allowed: str = "\t\r\n") -> bool:
    """Return whether a text has control characters other than the allowed ones."""
    if text.isprintable():  # fast, and true for nearly every text
        return False
    return any(unicodedata.category(letter) == "Cc" and letter not in allowed for letter in text)
