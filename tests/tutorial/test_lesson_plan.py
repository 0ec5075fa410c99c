"""docs/lesson.md: every line of output in it is printed by a command above it, and so are the figures in its sentences."""

import re
import shlex
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from twolayer.cli.main import main

PLAN = Path(__file__).parents[2] / "docs" / "lesson.md"
FENCES = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = r"(?<![\w.])-?\d[\d.]*(?:e[+-]?\d+)?"
CHAOTIC = "rate 2e-06"  # thrown far off, so that rounding decides


def shown():
    """Each block of output, with the commands of the last block before it that has any."""
    commands = []
    for kind, text in FENCES.findall(PLAN.read_text()):
        if kind == "sh":
            commands = [line.partition("#")[0].strip() for line in text.splitlines()]
        else:
            yield tuple(commands), text.rstrip("\n")


CASES = list(shown())


@cache
def skeleton(line):
    return " ".join(re.sub(NUMBER, "#", line).split())


@pytest.mark.slow
@pytest.mark.parametrize(("commands", "text"), CASES, ids=[str(n) for n in range(len(CASES))])
def test_what_is_shown_is_printed(commands, text, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    printed = []
    for command in commands:
        with pytest.raises(SystemExit) as left:
            main(shlex.split(command)[1:])
        assert not left.value.code
        printed += capsys.readouterr().out.splitlines()
    for line in text.splitlines():
        alike = [other for other in printed if skeleton(other) == skeleton(line)]
        assert alike, line
        figures = [float(number) for number in re.findall(NUMBER, line.replace("inf", "1"))]
        assert CHAOTIC in line or any(
            figures == pytest.approx([float(n) for n in re.findall(NUMBER, other.replace("inf", "1"))], rel=1e-6)
            for other in alike
        ), line  # fmt: skip


def test_the_plan_fills_90_minutes_in_order():
    times = [tuple(map(int, pair)) for pair in re.findall(r"^## (\d+) to (\d+) minutes", PLAN.read_text(), re.M)]  # fmt: skip
    assert times[0][0] == 0
    assert times[-1][1] == 90
    assert all(one[1] == other[0] for one, other in pairwise(times))


def test_figures_in_sentences_stand_in_its_output():
    """Figures with a point or three digits, but for sizes and numbers of steps."""
    text = PLAN.read_text()
    outputs = " ".join(out for _, out in CASES)
    prose = FENCES.sub("", text)
    figures = set(re.findall(r"(?<![\w.-])(?:\d+\.\d{2,}|\d{3,})\b", prose)) - {
        "1000",
        "100",
        "200",
    }
    for figure in figures - {"0.01"}:
        assert re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", outputs), figure
    assert "31519525" in outputs
    assert "31 million" in prose
