"""The table of commands: complete, true to what each command says of itself, and read without importing any of them."""

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import done
from typer.main import get_command

from twolayer.cli import commands
from twolayer.cli.main import COMMANDS, app

LOADED = "[name for name in sys.modules if name.startswith('twolayer.cli.commands.')]"


@pytest.mark.parametrize(
    ("words", "loaded"),
    [(["--help"], []), (["--version"], []), (["inspect", "--help"], ["twolayer.cli.commands.inspect"])],
)  # fmt: skip
def test_only_the_command_that_is_asked_for_is_imported(words, loaded):
    code = f"""
import sys
from twolayer.cli.main import main
try:
    main({words})
except SystemExit:
    print({LOADED})
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == str(loaded)


def test_every_file_of_a_command_stands_in_the_table():
    files = {path.stem for path in Path(commands.__path__[0]).glob("[!_]*.py")}
    assert files == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name):
    assert get_command(app).commands[name].help.splitlines()[0] == COMMANDS[name]


def test_the_help_has_a_line_for_each_command_in_the_order_of_the_table(capsys):
    code, out, _ = done(capsys, "--help")
    assert code == 0
    lines = out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    assert all(COMMANDS[line.split()[0]].startswith(line.split(None, 1)[1].rstrip(".")) for line in lines)  # fmt: skip


def test_a_command_that_is_not_there_is_refused_with_the_one_meant(capsys):
    code, out, err = done(capsys, "predcit")
    assert (code, out) == (2, "")
    assert "no such command 'predcit'. Did you mean 'predict'" in err
