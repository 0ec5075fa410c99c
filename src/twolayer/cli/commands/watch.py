"""`twolayer watch`: the program, running in a page."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from twolayer import checks
from twolayer.cli.commands.predict import check_output, row_name_columns, table_blocks
from twolayer.errors import InputError
from twolayer.files import write_files
from twolayer.saving.saved_model import open_model
from twolayer.tables import EncodingReport, TableOptions, read_table
from twolayer.tables.number_formats import NumberFormats
from twolayer.watch.bundle import page_html
from twolayer.watch.fit_message import fit_message, rows_drawn
from twolayer.watch.table_message import table_message

FIRST_PORT = 8765


def watch(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[[MODEL] TABLE]",
            help="A table to train on, or a saved model and a table to look at it with.",
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="The column of the table to learn; by default the last.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PAGE.html",
            help="Write the page to this file instead: one file, with all of it inside.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Where the server listens; the next free port if it is in use."
        ),
    ] = FIRST_PORT,
    browser: Annotated[
        bool,
        typer.Option(
            "--browser/--no-browser", help="Open the page in a browser, or only print its address."
        ),
    ] = True,
) -> None:
    """Show a page in which the program runs, line by line, with every matrix to look into.

    A server on this machine lets the lines be run by NumPy, by PyTorch by hand, with autograd, and with a function of our
    own. With --out the page is a file that needs no server: it runs the program itself, in any browser, and asks nothing
    of any network. The page speaks English and Chinese.

    With a table the page trains on it: standardised columns, every fourth row kept from training. With a saved model and a
    table it shows which rows light which unit, dead units, and the path of each row from its inputs to its outputs.
    """
    given = list(files or [])
    if out is not None:
        check_output(out, *given)
    first = page_start(given, target)
    if out is None:
        serve_page(port, browser, first)
    else:
        write_watch_page(out, first)


def page_start(files: list[Path], target: str | None) -> dict[str, Any]:
    """What the page begins with: a table, or a saved model on the rows of a table."""
    if target is not None and len(files) != 1:
        raise InputError("--target is for a table to train on: give one table, and no model")
    if not files:
        return {}
    if len(files) > 2:
        raise InputError(f"give a table, or a model and a table; got {len(files)} files")
    if len(files) == 2:
        return {"fit": fit_start(*files)}
    if files[0].suffix == ".safetensors":
        raise InputError(
            f"{files[0]} is a model: name the table to look at it with too, as in twolayer watch {files[0]} TABLE"
        )
    return {"table": table_message(read_table(files[0], None), target)}


def fit_start(model: Path, table: Path) -> dict[str, Any]:
    """A saved model on the first rows of a table, for the page."""
    known, found = open_model(model), EncodingReport()
    most, count, message = rows_drawn(known), 0, None
    for block in table_blocks(TableOptions.of({"table": table}), known, NumberFormats()):
        if message is None:
            x = known.inputs(known.completed(block, False, found), found)[:most]
            ids = row_name_columns(known, block)
            names = block.words(ids[0]) if ids else [f"{k + 1}" for k in range(block.n_rows)]
            message = fit_message(known, x, names[:most])
        count += block.n_rows
    assert message is not None
    for sentence in found.sentences():
        print(sentence, file=sys.stderr)
    return {**message, "allRows": count}


def write_watch_page(out: Path, first: dict[str, Any]) -> None:
    """Write the page to a file."""
    content = page_html(first).encode()
    write_files({out: content})
    print(f"{out}: {len(content) / 1000:.0f} KB. Open it in a browser.")


def serve_page(port: int, browser: bool, first: dict[str, Any]) -> None:
    """Serve the page until Ctrl-C."""
    for library in ("starlette", "uvicorn", "websockets"):
        checks.require(library, "the page's server", "watch")
    from twolayer.watch.server import PageServer

    server = PageServer(port, first)
    if port and server.port != port:
        print(f"Port {port} is in use; the page is on port {server.port}.", flush=True)
    print(f"The page is at {server.url}", flush=True)
    print("Ctrl-C ends it. The same page as a file: twolayer watch --out page.html", flush=True)
    if browser:
        open_browser(server.url)
    with suppress(KeyboardInterrupt):
        server.run()
    print("\nThe server has ended; the page shows what it last had.")


def open_browser(url: str) -> None:
    """Open a page in the user's browser, if there is one with a window."""
    import webbrowser

    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return
    if not isinstance(found, webbrowser.GenericBrowser) or isinstance(
        found, webbrowser.BackgroundBrowser
    ):  # a browser in the terminal, as lynx is, would take it over
        found.open(url)
