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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cluster", "--columns", "0"], "at least 200, is needed, not '0'"),
        (["cluster", "--rows", "-5"], "at least 16, is needed, not '-5'"),
        (["cluster", "--rows", "x"], "at least 16, is needed, not 'x'"),
        (["cluster", "--rows", "20", "--peers"], "not allowed with argument --rows"),
        (["page", "--served", "bogus"], "invalid choice: 'bogus'"),
    ],
)
def test_a_word_that_cannot_be_used_is_refused_at_once(words, message, capsys):
    pytest.importorskip("playwright", reason="the page's benchmark drives a browser with it")
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_a_library_that_is_not_there_is_told(monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.cluster_steps.find_spec", lambda name: None)
    for words, message in (
        (["--peers"], "pip install dask-ml"),
        (["--columns", "300"], "pip install zarr"),
    ):
        with pytest.raises(SystemExit):
            main(["cluster", *words])
        assert message in capsys.readouterr().err
