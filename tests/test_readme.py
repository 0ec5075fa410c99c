"""What the front pages say is true: their programs print what they show, their commands exist, and so do their files."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from ladder_programs import random_table
from typer.main import get_command

import twolayer as tl
import twolayer.tutorial.ladder
from twolayer.cli.commands.ladder import choose_program
from twolayer.cli.main import app

ROOT = Path(__file__).parents[1]
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
EXAMPLES = ROOT / "examples" / "README.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), EXAMPLES]
COMMANDS = get_command(app).commands


def blocks(path, language):
    """The code blocks of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def printed_by(source):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(source, "README", "exec"), {})
    return output.getvalue()


@pytest.mark.parametrize("number", range(len(blocks(README, "python"))))
def test_the_readmes_programs_print_what_it_shows(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert printed_by(blocks(README, "python")[number]) == blocks(README, "text")[number]


def test_every_program_of_the_readme_has_its_output():
    assert len(blocks(README, "python")) == len(blocks(README, "text")) > 0


def test_the_chinese_page_follows_the_english_one():
    assert blocks(CHINESE, "python") == blocks(README, "python")
    assert blocks(CHINESE, "text") == blocks(README, "text")
    bare = [
        [re.sub(r" *#.*", "", block) for block in blocks(page, "sh")] for page in (README, CHINESE)
    ]
    assert bare[0] == bare[1]
    assert [page.read_text().count("\n## ") for page in (README, CHINESE)] == [5, 5]
    assert [page.read_text().count("\n- ") for page in (README, CHINESE)] == [13, 13]
    assert "twolayer.cli" not in CHINESE.read_text()


@pytest.mark.parametrize("page", [README, CHINESE], ids=lambda path: path.name)
def test_its_figures_are_those_of_the_benchmarks(page):
    """The rows of P1 in float64: contender, median and times ours."""
    (_, first, *_) = re.split(
        r"^\| P1, ", (ROOT / "docs" / "benchmarks.md").read_text(), flags=re.M
    )
    measured = [
        (contender, median, times)
        for contender, median, _, _, times in re.findall(
            r"\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \| [^|]+ \|$", first, re.M
        )
    ]  # fmt: skip
    shown = re.findall(r"^\| ([^|!]+) \| ([\d.]+ m?s) \| ([\d.]+) \|$", page.read_text(), re.M)
    assert len(shown) == 6
    assert set(shown) <= set(measured)


def commands_of(path):
    """Every `twolayer ...` line in a page, split into words; a diff may add a command that is not there yet."""
    text = re.sub(r"^```diff\n.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    shell = "\n".join([*blocks(path, "sh"), *blocks(path, "console")])
    found = re.findall(r"^(?:\$ )?(twolayer [^#\n]*)", shell, re.MULTILINE)
    found += re.findall(r"`(twolayer [^`]*)`", text)
    return [shlex.split(line)[1:] for line in found]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_commands_and_their_options_exist(path):
    for name, *words in commands_of(path):
        if name in ("COMMAND", "--help"):
            continue
        options = {
            option for parameter in COMMANDS[name].params for option in (*parameter.opts, *parameter.secondary_opts)
        } | {"--help"}  # fmt: skip
        assert {word for word in words if word.startswith("--")} <= options, (name, words)


def test_a_command_that_is_not_there_would_be_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\ntwolayer ladder --enginez numpy   # words\n```\nor `twolayer fitt`")
    assert commands_of(page) == [["ladder", "--enginez", "numpy"], ["fitt"]]
    assert len(commands_of(README)) > 10


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_and_make_targets_exist(path):
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), target
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`make ([\w-]+)`", path.read_text()):
        assert f"\n{target}:" in makefile


def rows():
    """The table of programs: script names, commands and Python calls of each."""
    found = {}
    for line in EXAMPLES.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| P"):
            found[cells[0].strip("| ").split()[0]] = [
                re.findall(r"`([^`]+)`", cell) for cell in cells[1:]
            ]
    return found


def test_the_table_of_programs_names_every_script():
    named = sorted(script for scripts, _, _ in rows().values() for script in scripts)
    assert named == sorted(path.name for path in (ROOT / "examples" / "ladder").glob("*.py"))
    assert list(rows()) == ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P7b", "P8", "P9", "P10"]


@pytest.mark.parametrize("program", ["P1", "P2", "P3", "P5", "P7", "P8", "P10"])
def test_the_calls_of_the_table_are_the_programs(program):
    _, commands, (call,) = rows()[program]
    assert commands[0] == f"twolayer ladder --program {program}"
    preset = choose_program(program, None, {})
    x, y, params = random_table(0, bias=program == "P3", dtype=preset.dtype)
    (words,) = re.findall(r"^tl\.train\(x, y, params, (.*)\)$", call)
    settings = dict(re.findall(r'(\w+)="?([^",]+)', words))
    assert float(settings.get("learning_rate", 1e-6)) == preset.learning_rate
    assert int(settings.get("steps", 500)) == preset.steps
    short = re.sub(r"steps=\d+, ", "", call).replace(")", ", steps=2)")
    run = eval(short, {"tl": tl, "x": x, "y": y, "params": params})
    numbers = twolayer.tutorial.ladder.ladder_arrays(preset)
    expected = tl.train(numbers.x, numbers.y, numbers.params, engine="numpy", steps=2)
    np.testing.assert_allclose(run.losses[:1], expected.losses[:1], rtol=1e-5)
    assert run.engine == settings["engine"]


def test_the_call_of_the_quadrants_is_the_program():
    _, _, (table, call) = rows()["P4"]
    variables = {"twolayer": twolayer, "tl": tl}
    exec(table, variables)
    run = eval(call, variables)
    numbers = twolayer.tutorial.ladder.ladder_arrays(choose_program("P4", None, {}))
    np.testing.assert_array_equal(variables["x"], numbers.x)
    expected = tl.train(
        numbers.x,
        numbers.y,
        numbers.params,
        activation="identity",
        learning_rate=1e-5,
        engine="numpy",
    )
    np.testing.assert_allclose(run.losses, expected.losses, rtol=1e-9)


def test_the_chinese_page_of_the_examples_has_the_commands_and_calls_of_the_english_one():
    chinese = EXAMPLES.with_name("README.zh-CN.md").read_text()
    english = EXAMPLES.read_text()
    plain = [re.sub(r"```.*?```", "", text, flags=re.DOTALL) for text in (english, chinese)]
    code = [sorted(set(re.findall(r"`([^`]+)`", text))) for text in plain]
    assert code[0] == code[1]
