"""`twolayer watch`: the program, running in a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twolayer.cli.commands.predict import check_output
from twolayer.files import write_files
from twolayer.watch.bundle import page_html


def watch(
    out: Annotated[
        Path,
        typer.Option(
            metavar="PAGE.html", help="The file to write: one page, with all of it inside."
        ),
    ],
) -> None:
    """Write a page in which the program runs, line by line, with every matrix to look into.

    The page runs the program itself, in any browser, and asks nothing of any network: it can be sent to others, or put on a
    web server as it is. It speaks English and Chinese.
    """
    check_output(out)
    content = page_html().encode()
    write_files({out: content})
    print(f"{out}: {len(content) / 1000:.0f} KB. Open it in a browser.")
