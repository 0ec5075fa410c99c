"""What argparse takes as the `type` of a word of a command line.

Its own `choices` find fault with no word at all on Python 3.11, where `nargs="*"` gives an empty list.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection


def word_of(known: Collection[str]) -> Callable[[str], str]:
    """Return what argparse takes as the `type` of such a word: it refuses words that are not known."""

    def known_word(word: str) -> str:
        if word not in known:
            raise argparse.ArgumentTypeError(
                f"invalid choice: {word!r} (choose from {', '.join(known)})"
            )
        return word

    return known_word


def count_from(least: int) -> Callable[[str], int]:
    """Return what argparse takes as the `type` of a whole number that is not smaller."""

    def count(word: str) -> int:
        if not word.isdecimal() or int(word) < least:
            raise argparse.ArgumentTypeError(
                f"a whole number, at least {least}, is needed, not {word!r}"
            )
        return int(word)

    return count
