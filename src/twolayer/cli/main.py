"""The command `twolayer`: its subcommands, and how errors are told."""

from __future__ import annotations

import errno
import gc
import os
import sys
from typing import Any, NoReturn

import typer

from twolayer.cli.commands.demo import demo
from twolayer.cli.commands.evaluate import evaluate
from twolayer.cli.commands.explain import explain
from twolayer.cli.commands.export import export
from twolayer.cli.commands.fit import fit
from twolayer.cli.commands.inspect import inspect
from twolayer.cli.commands.ladder import ladder
from twolayer.cli.commands.predict import predict
from twolayer.cli.commands.report import report
from twolayer.cli.commands.test import significance_test
from twolayer.cli.commands.warmup import warmup
from twolayer.text import single_line
from twolayer.training.ctrl_c import StoppedError

app = typer.Typer(
    name="twolayer",
    help="Neural networks with one hidden layer: explained line by line, exact and fast on wide tables.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> None:
    """Take the options that stand before a subcommand."""
    if version:
        from twolayer._version import __version__

        print(f"twolayer {__version__}")
        raise typer.Exit


app.command()(demo)
app.command()(ladder)
app.command()(explain)
app.command()(fit)
app.command()(predict)
app.command()(evaluate)
app.command()(inspect)
app.command("test")(significance_test)
app.command()(report)
app.command()(export)
app.command()(warmup)


EXIT_USAGE: Any = (
    typer.BadParameter.__base__
)  # typer's parent of all that is wrong with options and arguments
EXIT_INTERRUPTED = 130  # as shells have it
UNPRINTABLE = 100_000  # objects from one search for garbage to the next; loading libraries makes as many, which stay


def main(arguments: list[str] | None = None) -> None:
    """Run one command. What the user got wrong is one line and exit code 2; a defect of ours keeps its traceback."""
    from twolayer.errors import DivergedError, TwoLayerError

    gc.set_threshold(UNPRINTABLE)
    try:
        check_arguments(sys.argv[1:] if arguments is None else arguments)
        answer = app(arguments, prog_name="twolayer", standalone_mode=False)
        sys.stdout.flush()
        if answer == EXIT_INTERRUPTED:  # what typer makes of Ctrl-C
            exit_with("stopped", EXIT_INTERRUPTED)
    except StoppedError as stopped:
        exit_with(str(stopped), EXIT_INTERRUPTED)
    except KeyboardInterrupt:  # before typer listens
        exit_with("stopped", EXIT_INTERRUPTED)
    except EXIT_USAGE as error:
        exit_with(usage_error(error), 2)
    except TwoLayerError as error:
        exit_with(single_line(str(error)), 1 if isinstance(error, DivergedError) else 2)
    except MemoryError as error:
        exit_with(
            f"there is not enough memory: {single_line(str(error)) or 'nothing more is free'}", 2
        )
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - what is left unsaid would be tried again at the end
        exit_with(f"the output cannot be written: {error.strerror}", 2)
    sys.exit(answer if isinstance(answer, int) else 0)


def check_arguments(arguments: list[str]) -> None:
    """Raise if an argument, such as a file's name in Latin-1, is no text that could be printed or kept in a file."""
    from twolayer.errors import InputError

    for argument in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise InputError(f"the argument {argument!r} is not text in UTF-8: rename the file")


def exit_with(line: str, code: int) -> NoReturn:
    """Say why, and end with this exit code."""
    print(line if "\n" in line else f"twolayer: {line}", file=sys.stderr)
    sys.exit(code)


def usage_error(error: Any) -> str:
    """What is wrong with the options or arguments, in a line; the help where nothing was asked for."""
    message = error.format_message()
    if "\n" in message:
        return str(message)
    where = "twolayer" if error.ctx is None else error.ctx.command_path
    message = message[:1].lower() + message[1:].rstrip(".")
    return f"{message} (see {where} --help)"
