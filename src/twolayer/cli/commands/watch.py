"""`twolayer watch`: the program, running in a page."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from twolayer import checks
from twolayer.cli.commands.predict import check_output
from twolayer.files import write_files
from twolayer.watch.bundle import page_html

FIRST_PORT = 8765


def watch(
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
    """
    if out is None:
        serve_page(port, browser)
    else:
        write_watch_page(out)


def write_watch_page(out: Path) -> None:
    """Write the page to a file."""
    check_output(out)
    content = page_html().encode()
    write_files({out: content})
    print(f"{out}: {len(content) / 1000:.0f} KB. Open it in a browser.")


def serve_page(port: int, browser: bool) -> None:
    """Serve the page until Ctrl-C."""
    for library in ("starlette", "uvicorn", "websockets"):
        checks.require(library, "the page's server", "watch")
    from twolayer.watch.server import PageServer

    server = PageServer(port)
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
