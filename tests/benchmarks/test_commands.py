"""The commands that the pages name exist, with their options."""

import re
from pathlib import Path

import pytest

from benchmarks.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "benchmarks" / "README.md"])
COMMAND = re.compile(r"python\s-m\sbenchmarks((?:[ \n][\w.-]+)*)")


def help_of(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    return capsys.readouterr().out


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_commands_and_their_options_exist(path, capsys):
    text = path.read_text()
    for command in re.findall(r"`([^`]*python\s-m\sbenchmarks[^`]*)`", text):
        words = COMMAND.search(command)[1].split()
        name = words.pop(0) if words and words[0] in COMMANDS else "speed"
        told = re.findall(r"[\w-]+", help_of(name, capsys))
        values = [word for word in words if word.isupper() or re.fullmatch(r"[\d.]+", word)]
        assert set(words) - set(values) <= set(told), command


def test_no_page_names_a_command_that_went():
    for path in PAGES:
        assert "twolayer bench" not in path.read_text()
        assert "twolayer.bench" not in path.read_text()
