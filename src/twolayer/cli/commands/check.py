"""`twolayer check`: a learner's own training script, and its first wrong line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twolayer.cli.commands.explain import check_choice, terminal_page
from twolayer.errors import InputError
from twolayer.text import single_line
from twolayer.tutorial.bilingual import LANGUAGES, default_language
from twolayer.tutorial.check_script.child_process import check_script
from twolayer.tutorial.check_script.verdict import RIGHT, UNCHECKED
from twolayer.tutorial.check_script.verdict_page import show_verdict, unchecked_text


def check(
    script: Annotated[Path, typer.Argument(help="A Python script with a training loop.")],
    lang: Annotated[str | None, typer.Option(help="en or zh; by default the locale's.")] = None,
) -> None:
    """Check a training script of your own: is each step right, and if not, which line is the first wrong one.

    The script, with NumPy or PyTorch, in whatever style, is run in a process of its own. Its steps are compared with
    finite differences of its own loss. If a step is wrong, the command names the line and the usual cause, such as a missing
    mask or .T, and shows values beside what they should be.

    The script runs on the CPU, in float64, without a keyboard or windows; what it prints is not shown, and files that
    it writes are not kept. Use it for your own scripts: it is not a safe place for those of strangers.

    Exit code: 0 right, 1 wrong, 2 could not be checked.
    """
    here = default_language()
    reader = check_choice("--lang", here if lang is None else lang, LANGUAGES, here)
    verdict = check_script(script)
    name = single_line(str(script))
    if verdict.status == UNCHECKED:
        raise InputError(unchecked_text(reader, name, verdict))
    show_verdict(terminal_page(reader), name, verdict)
    raise typer.Exit(0 if verdict.status == RIGHT else 1)
