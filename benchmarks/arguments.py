"""Words of a command line of which there may be none.

argparse's own `choices` find fault with none at all on Python 3.11, where `nargs="*"` gives an empty list.
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
