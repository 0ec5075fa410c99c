"""docs/lesson.md and its Chinese sister: every line of output in it is printed by a command above it, and so are the figures in its sentences."""

import re
import shlex
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from twolayer.cli.main import main

DOCS = Path(__file__).parents[2] / "docs"
PLANS = {"en": DOCS / "lesson.md", "zh": DOCS / "lesson.zh-CN.md"}
LOCALES = {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}
each_plan = pytest.mark.parametrize("lang", PLANS)
FENCES = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = r"(?<![\w.])-?\d[\d.]*(?:e[+-]?\d+)?"
CHAOTIC = "rate 2e-06"  # thrown far off, so that rounding decides


def shown(lang):
    """Each block of output, with the commands of the last block before it that has any."""
    commands = []
    for kind, text in FENCES.findall(PLANS[lang].read_text()):
        if kind == "sh":
            commands = [line.partition("#")[0].strip() for line in text.splitlines()]
        else:
            yield tuple(commands), text.rstrip("\n")


CASES = [(lang, *case) for lang in PLANS for case in shown(lang)]


@cache
def skeleton(line):
    return " ".join(re.sub(NUMBER, "#", line).split())


@pytest.mark.slow
@pytest.mark.parametrize(("lang", "commands", "text"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])  # fmt: skip
def test_what_is_shown_is_printed(lang, commands, text, capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", LOCALES[lang])
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


@each_plan
def test_the_plan_fills_90_minutes_in_order(lang):
    heading = {"en": r"^## (\d+) to (\d+) minutes: ", "zh": r"^## 第 (\d+) 到 (\d+) 分钟："}[lang]
    times = [tuple(map(int, pair)) for pair in re.findall(heading, PLANS[lang].read_text(), re.M)]
    assert times[0][0] == 0
    assert times[-1][1] == 90
    assert all(one[1] == other[0] for one, other in pairwise(times))


@each_plan
def test_figures_in_sentences_stand_in_its_output(lang):
    """Figures with a point or three digits, but for sizes and numbers of steps."""
    text = PLANS[lang].read_text()
    outputs = " ".join(out for other, _, out in CASES if other == lang)
    prose = FENCES.sub("", text)
    figures = set(re.findall(r"(?<![\w.-])(?:\d+\.\d{2,}|\d{3,})\b", prose)) - {
        "1000",
        "100",
        "200",
    }
    for figure in figures - {"0.01"}:
        assert re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", outputs), figure
    assert "31519525" in outputs
    assert {"en": "31 million", "zh": "三千一百多万"}[lang] in prose


def test_both_plans_run_the_same_commands_and_show_the_same_figures():
    commands, figures = ({}, {})
    for lang, plan in PLANS.items():
        text = plan.read_text()
        blocks = [out.splitlines() for kind, out in FENCES.findall(text) if kind == "sh"]
        commands[lang] = [line.partition("#")[0].strip() for block in blocks for line in block]
        commands[lang] += re.findall(r"`(twolayer [^`]+)`", text)
        figures[lang] = [figure for other, _, out in CASES if other == lang for figure in re.findall(NUMBER, out)]  # fmt: skip
    assert commands["en"] == commands["zh"]
    assert set(figures["en"]) - {"3160"} == set(figures["zh"]) - {"3160"}  # a line wraps elsewhere


@each_plan
def test_each_plan_links_to_the_other(lang):
    other = PLANS["zh" if lang == "en" else "en"].name
    assert f"]({other})" in PLANS[lang].read_text().split("##")[0]
