"""The command line: parse, call, print. One file per command, in `commands/`."""

import sys


def main() -> None:
    """Run the command `twolayer`; say what to install where only the bare package is."""
    try:
        import typer  # noqa: F401
    except ModuleNotFoundError:
        print(
            "twolayer: the command line is not installed, only the Python package: pip install 'twolayer[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
    from twolayer.cli.main import main as run

    run()
