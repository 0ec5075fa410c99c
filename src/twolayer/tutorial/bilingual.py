"""What is said to the reader, in English and in Chinese, always side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

LANGUAGES = ("en", "zh")


class Bilingual(NamedTuple):
    """One text in both languages; `{names}` in it are filled in from the run."""

    en: str
    zh: str

    def said(self, lang: str, /, **values: Any) -> str:
        """The text in one language, filled in."""
        text = self.zh if lang == "zh" else self.en
        return text.format(**values)


def default_language(environment: Mapping[str, str] = os.environ) -> str:
    """The reader's language, from the variables that say it: the first that is set decides."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "zh" if environment[name].lower().startswith("zh") else "en"
    return "en"
