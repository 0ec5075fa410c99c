"""Texts for the reader in English and in Chinese, side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

LANGUAGES = ("en", "zh")


class Bilingual(NamedTuple):
    """One text in both languages; `{names}` in it are replaced by values of the run."""

    en: str
    zh: str

    def said(self, lang: str, /, **values: Any) -> str:
        """Return the text in one language, with its values."""
        text = self.zh if lang == "zh" else self.en
        return text.format(**values)


def default_language(environment: Mapping[str, str] = os.environ) -> str:
    """Return the reader's language: the first environment variable that is set decides."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return "zh" if environment[name].lower().startswith("zh") else "en"
    return "en"
