"""The command `twolayer`: the table of its commands, and how errors are told."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from twolayer._version import __version__
from twolayer.cli.output import open_standard_files, steady_streams
from twolayer.errors import DivergedError, InputError, TwoLayerError
from twolayer.text import printable, single_line
from twolayer.training.ctrl_c import StoppedError

# Command: the first line of its help. The function of that name stands in a file of that name, in `commands`.
COMMANDS = {
    "demo": "See what twolayer does: one program on every engine, then a table fitted and saved.",
    "ladder": "Run one program on the same numbers with every engine: losses, seconds, differences.",
    "explain": "Explain the program line by line, with the numbers of a real run.",
    "check": "Check a training script of your own: is each step right, and if not, which line is the first wrong one.",
    "watch": "Show a page in which the program runs, line by line, with every matrix to look into.",
    "fit": "Learn a column of a table from the others, test what was learned, and save it.",
    "predict": "Predict every row of a table: a class or a number.",
    "evaluate": "Score a saved model on rows with known targets, which it should not have been trained on.",
    "inspect": "Say what a model is: its network and size, its columns, how it was trained, and its strongest inputs.",
    "test": "Ask whether a score could be luck, and how good models like this are on new rows.",
    "report": "Write a page about a model: a verdict in plain words, warnings, and figures with captions.",
    "export": "Write a saved model in a form that other programs read.",
    "warmup": "Compile the compiled engine's kernels, once on this machine; they are kept on disk.",
}


class CommandTable(Mapping[str, Any]):
    """The commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        command = typer.Typer(add_completion=False, rich_markup_mode=None)
        command.command(name)(getattr(import_module(f"twolayer.cli.commands.{name}"), name))
        return get_command(command)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class CommandGroup(TyperGroup):
    """The command `twolayer`, whose help imports none of its commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = CommandTable()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        lines = {name: TyperCommand(name, help=line) for name, line in COMMANDS.items()}
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, one.get_short_help_str(limit)) for name, one in lines.items()]
            )


app = typer.Typer(
    cls=CommandGroup,
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
        print(f"twolayer {__version__}")
        raise typer.Exit


EXIT_USAGE: Any = (
    typer.BadParameter.__base__
)  # typer's parent of all that is wrong with options and arguments
EXIT_INTERRUPTED = 130  # as shells have it
UNPRINTABLE = 100_000  # objects from one search for garbage to the next; loading libraries makes as many, which stay


def main(arguments: list[str] | None = None) -> None:
    """Run one command. What the user got wrong is one line and exit code 2; a defect of ours keeps its traceback."""
    open_standard_files()
    with steady_streams():
        run_command(arguments)


def run_command(arguments: list[str] | None) -> None:
    """Run one command, and end with its exit code."""
    gc.set_threshold(UNPRINTABLE)
    try:
        check_arguments(sys.argv[1:] if arguments is None else arguments)
        answer = app(arguments, prog_name="twolayer", standalone_mode=False)
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
    sys.exit(answer if isinstance(answer, int) else 0)


def check_arguments(arguments: list[str]) -> None:
    """Raise if an argument, such as a file's name in Latin-1, is no text that could be printed or kept in a file."""
    for argument in arguments:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise InputError(f"the argument {argument!r} is not text in UTF-8: rename the file")


def exit_with(line: str, code: int) -> NoReturn:
    """Say why, and end with this exit code."""
    print(printable(line if "\n" in line else f"twolayer: {line}"), file=sys.stderr)
    sys.exit(code)


def usage_error(error: Any) -> str:
    """What is wrong with the options or arguments, in a line; the help where nothing was asked for."""
    message = error.format_message()
    if "\n" in message:
        return str(message)
    where = "twolayer" if error.ctx is None else error.ctx.command_path
    message = message[:1].lower() + message[1:].rstrip(".")
    return f"{message} (see {where} --help)"
