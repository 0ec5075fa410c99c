"""`twolayer explain`: what it prints is what a real run gives, in both languages.

The figures expected here are computed in this file with NumPy or torch, or by `train` on the NumPy engine; the texts are
found in the page by the language-neutral parts of them.
"""

import ast
import re
import string
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from explain_pages import INSTALL, SMALL, SOURCE, TINY, arrays, flat, read
from hypothesis import given
from hypothesis import strategies as st

import twolayer as tl
from twolayer.cli.main import main
from twolayer.engines import contract
from twolayer.maths.activations import ACTIVATIONS
from twolayer.tutorial.explain import execution, program_loop
from twolayer.tutorial.explain.autograd import explain_autograd
from twolayer.tutorial.explain.numpy_torch import explain_numpy_torch
from twolayer.tutorial.explain.program import explain_program
from twolayer.tutorial.explain.timing import explain_timing
from twolayer.tutorial.ladder import LadderProgram, ladder_arrays
from twolayer.tutorial.layout import Page, format_entry, table_columns, wrap_text

# The texts


def bilingual_texts():
    """Every call with `en` and `zh` in the source of the pages: where it stands, its English and its Chinese."""
    command = SOURCE / "cli" / "commands" / "explain.py"
    for path in [*sorted((SOURCE / "tutorial").rglob("*.py")), command]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                texts = {word.arg: word.value for word in node.keywords}
                if "en" in texts or "zh" in texts:
                    yield f"{path.name}:{node.lineno}", texts.get("en"), texts.get("zh")


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def is_chinese(text):
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def test_every_text_is_there_in_both_languages_with_the_same_figures():
    found = 0
    for where, en, zh in bilingual_texts():
        if where.startswith(("program.py:", "variables.py:")) and isinstance(en, ast.Call):
            continue  # one text filled in from another, which is itself in this list
        if isinstance(en, ast.BinOp):
            en, zh = en.left, zh.left  # and such a text follows
        assert isinstance(en, ast.Constant), where
        assert isinstance(zh, ast.Constant), where
        found += 1
        assert en.value.strip(), where
        assert not is_chinese(en.value), where
        assert zh.value.strip(), where
        letters = re.sub(r"\{[^}]*\}", "", en.value)
        if (
            re.search(r"[a-z]{4}", letters)
            and "NumPy:" not in en.value
            and "PyTorch:" not in en.value
        ):
            assert is_chinese(zh.value), where
        assert placeholders(en.value) == placeholders(zh.value), where
    assert found > 150


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_text_is_in_the_other_language(lang):
    """Lines that are neither code, numbers nor output: in English none holds Chinese, in Chinese sentences do."""
    for line in read(explain_program, SMALL, lang=lang):
        words = re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,} [a-z]{2,}", line)
        sentence = words and not re.match(r" *\d+  \S", line)
        if lang == "en":
            assert not is_chinese(line)
        elif sentence:
            assert is_chinese(line), line


# The program page


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "program", [LadderProgram(steps=3), SMALL, TINY], ids=["tutorial", "small", "tiny"]
)
@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_page_fits_the_terminal(program, width, lang):
    for line in read(explain_program, program, lang=lang, width=width, show_weights=True):
        columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)
        a_line_of_code = width < 80 and re.match(r"[ \d]{3}  \S|     for | {9}", line)
        assert columns <= width or a_line_of_code, line


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("size", ["small", "tiny"])
def test_every_setting_has_its_page(size, activation, bias, lang):
    from dataclasses import replace

    program = replace(SMALL if size == "small" else TINY, activation=activation, bias=bias)
    page = flat(read(explain_program, program, lang=lang, show_weights=True))
    assert "{" not in page
    x, y, params = arrays(program)
    loss = tl.loss_and_gradients(x, y, params, activation=activation)[0]
    assert f"loss = {loss:.6g}" in page


def code_of(lines):
    """The numbered lines of code of a page."""
    return [match[1] for line in lines if (match := re.match(r" *\d+  (\S.*)", line))]


@pytest.mark.parametrize("bias", [False, True])
def test_the_lines_on_the_page_typed_into_python_give_its_figures(bias):
    program = LadderProgram(n_rows=6, n_inputs=5, n_hidden=7, n_outputs=2, bias=bias, steps=2)
    lines = read(explain_program, program)
    names = {}
    exec("\n".join(code_of(lines)), names)
    assert f"loss = {names['loss']:.6g}" in flat(lines)
    _, gradients = tl.loss_and_gradients(*arrays(program))
    np.testing.assert_allclose(names["grad_w1"], gradients.w1, rtol=1e-13)
    np.testing.assert_allclose(names["grad_w2"], gradients.w2, rtol=1e-13)


def test_the_numbers_are_the_ladders():
    program = LadderProgram(
        n_rows=6, n_inputs=5, n_hidden=7, n_outputs=2, bias=True, steps=2, seed=3
    )
    numbers = ladder_arrays(program)
    loss = tl.loss_and_gradients(numbers.x, numbers.y, numbers.params)[0]
    assert f"loss = {loss:.6g}" in flat(read(explain_program, program))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("seed", [0, 5])
def test_negative_and_cleared_entries_are_counted(seed, lang):
    program = LadderProgram(n_rows=9, n_inputs=4, n_hidden=8, n_outputs=2, seed=seed, steps=1)
    x, _, params = arrays(program)
    h = x @ params.w1
    negative, total = int((h < 0).sum()), h.size
    page = flat(read(explain_program, program, lang=lang))
    if lang == "en":
        assert (
            f"{negative} of {total} entries were negative in h and are 0 now; the other {total - negative} are unchanged."
            in page
        )
        assert f"{negative} of {total} entries are cleared" in page
        assert f"overwrote {negative} of the {total} entries of grad_h_relu:" in page
    else:
        assert f"h 的 {total} 个元素中有 {negative} 个是负数" in page
        assert f"{total} 个元素中清零了 {negative} 个" in page
        assert f"{total} 个元素中改了 {negative} 个" in page.replace("，{", "，")
    first = ", ".join(f"({row},{column})" for row, column in np.argwhere(h < 0)[:8])
    assert first in page


def test_before_and_after_stand_side_by_side():
    """The window of the rectifier: each row's entries, then the same with 0 for the negative ones."""
    program = LadderProgram(n_rows=9, n_inputs=5, n_hidden=9, n_outputs=2, steps=1)
    x, _, params = arrays(program)
    h = (x @ params.w1)[:4, :4]
    lines = read(explain_program, program)
    start = next(i for i, line in enumerate(lines) if re.match(r" +h +h_relu$", line))
    for row, line in zip(h, lines[start + 1 : start + 5], strict=True):
        shown = [float(text) for text in line.replace("→", " ").split()]
        np.testing.assert_allclose(shown, [*row, *np.maximum(row, 0)], atol=6e-5)


def test_the_sum_and_the_mean_of_the_squares():
    x, y, params = arrays(SMALL)
    squares = (np.maximum(x @ params.w1, 0) @ params.w2 - y) ** 2
    page = flat(read(explain_program, SMALL))
    assert f"{squares.sum():.6g} / (6 × 2) = {squares.mean():.6g}" in page
    assert f"np.square(y_pred - y).mean() gives {squares.mean():.6g}" in page
    assert "are 1/12 as large" in page


def test_the_gradient_is_checked_by_a_nudge():
    page = flat(read(explain_program, SMALL))
    row, column = map(int, re.search(r"Raise w1\[(\d+), (\d+)\]", page).groups())
    ratio = float(re.search(r"(\S+) times the nudge", page)[1])
    says = float(re.search(r"The gradient says (\S+)\.", page)[1])
    gradient = tl.loss_and_gradients(*arrays(SMALL))[1].w1
    assert says == pytest.approx(gradient[row, column], rel=1e-4)
    assert ratio == pytest.approx(gradient[row, column], rel=1e-3)


def test_one_entry_of_the_product_by_hand():
    program = LadderProgram(n_rows=2, n_inputs=3, n_hidden=2, n_outputs=1, steps=1)
    x, _, params = arrays(program)
    terms = " + ".join(f"({a:.4f})·({b:.4f})" for a, b in zip(x[0], params.w1[:, 0], strict=True))
    page = flat(read(explain_program, program))
    letters = "h[0,0] = x[0,0]·w1[0,0] + x[0,1]·w1[1,0] + x[0,2]·w1[2,0]"
    assert f"{letters} = {terms} = {(x @ params.w1)[0, 0]:.4f}" in page


def losses_shown(lines):
    """step: (loss with both halves, loss with the first half only), from the table of the loop."""
    rows = (re.match(r" +(\d+) +(\S+) +(\S+)$", line) for line in lines)
    return {int(row[1]): (float(row[2]), float(row[3])) for row in rows if row}


@pytest.mark.parametrize("bias", [False, True])
def test_the_loop_with_and_without_its_second_half(bias):
    program = LadderProgram(
        n_rows=6, n_inputs=5, n_hidden=7, n_outputs=2, learning_rate=1e-3, steps=60, bias=bias
    )
    shown = losses_shown(read(explain_program, program))
    expected = tl.train(*arrays(program), learning_rate=1e-3, steps=60, engine="numpy").losses
    assert list(shown) == [0, 1, 2, 5, 10, 20, 50, 59]
    for step, (both, only) in shown.items():
        assert both == pytest.approx(expected[step], rel=1e-5)
        assert only == pytest.approx(expected[0], rel=1e-5)
    assert expected[59] < expected[0]


def test_the_second_half_is_what_trains():
    """The two runs of the loop itself: one changes at every step, one never."""
    names = {"np": np, **dict(zip("xy", arrays(SMALL)[:2], strict=True)), "learning_rate": 1e-3}
    names |= dict(arrays(SMALL)[2].items())
    kept = {name: np.copy(names[name]) for name in ("w1", "w2")}
    first, second = program_loop.loop_halves(SMALL, arrays(SMALL)[2], names["y"])
    both = program_loop.run_loop(program_loop.loop_source(20, [*first, *second]), names, set())
    only = program_loop.run_loop(program_loop.loop_source(20, first), names, set())
    assert len(set(both.losses)) == 20
    assert len(only.losses) == 20
    assert len(set(only.losses)) == 1
    assert all((names[name] == kept[name]).all() for name in kept)  # each run had copies of its own


def test_the_weights_after_each_update():
    lines = read(explain_program, SMALL, show_weights=True, every=1)
    run = tl.train(*arrays(SMALL), learning_rate=1e-3, steps=SMALL.steps, engine="numpy")
    starts = [i for i, line in enumerate(lines) if line.startswith("after update")]
    assert len(starts) == SMALL.steps
    shown = [float(text) for text in lines[starts[-1] + 2].split()]
    np.testing.assert_allclose(shown, run.params.w1[0], atol=6e-5)
    assert "after update" not in flat(read(explain_program, SMALL))


def test_steps_are_chosen():
    assert program_loop.selected_steps(7, None) == [0, 1, 2, 3, 4, 5, 6]
    assert program_loop.selected_steps(500, None) == [0, 1, 2, 5, 10, 20, 50, 100, 200, 499]
    assert program_loop.selected_steps(10, 4) == [0, 4, 8, 9]
    assert program_loop.selected_steps(1, None) == [0]


def test_a_learning_rate_that_is_too_large_is_told():
    program = LadderProgram(
        n_rows=6, n_inputs=50, n_hidden=7, n_outputs=2, learning_rate=0.1, steps=30
    )
    lines = read(explain_program, program)
    assert re.search(r"At step \d+ the loss is no longer a finite number", flat(lines))
    assert "--learning-rate 0.01" in flat(lines)


def test_where_nothing_is_negative_the_page_says_so():
    """Seed 0 with one row, input, unit and output draws a positive h."""
    x, _, params = arrays(TINY)
    assert (x @ params.w1 > 0).all()
    page = flat(read(explain_program, TINY))
    assert page.count("No entry of h is negative in this run") == 2
    assert "there is nothing to see" in page


def test_the_largest_sizes_say_that_a_gpu_may_pay():
    assert "here a GPU may well pay" in flat(
        read(
            explain_program,
            LadderProgram(n_rows=2000, n_inputs=1200, n_hidden=220, n_outputs=1, steps=1),
        )
    )
    assert "Not at this size" in flat(read(explain_program, SMALL))


# Running what is shown


def test_what_is_run_keeps_what_it_said():
    outcome = execution.run_source(
        "import warnings\nprint('a')\nwarnings.warn('b')\n1 / 0\nprint('c')", {}
    )
    assert outcome.printed == "a"
    assert outcome.warnings == ["UserWarning: b"]
    assert outcome.error == "ZeroDivisionError: division by zero"
    assert outcome.stopped_at == "1 / 0"
    assert outcome.text == "a\nUserWarning: b\nZeroDivisionError: division by zero"


# Without torch


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setattr(contract, "find_spec", lambda name: None)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_without_torch(no_torch, lang):
    with pytest.raises(tl.EngineError, match=re.escape(INSTALL)) as caught:
        read(explain_autograd, SMALL, lang=lang)
    assert is_chinese(str(caught.value)) == (lang == "zh")
    page = flat(read(explain_timing, SMALL, lang=lang))
    assert page.count(INSTALL) == 3
    assert "PyTorch," not in page.split("float64")[-1].split("*")[0]
    page = flat(read(explain_numpy_torch, lang=lang))
    assert INSTALL in page
    assert page.count("not installed" if lang == "en" else "未安装") >= 10


# Layout


@given(
    st.text(alphabet=st.sampled_from("ab c1，。中文（）“”、 .,"), max_size=200),
    st.integers(min_value=8, max_value=40),
)
def test_wrapping_loses_nothing_and_fits(text, width):
    lines = wrap_text(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for number, line in enumerate(lines):
        columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)
        inside = re.sub(r"[a-c1，。（）“”、.,]+", "", line)
        assert columns <= width or len(re.findall(r"[中文]", line)) <= 1 or not inside
        if number:
            assert line[0] not in "，。、）" or text.lstrip()[0] == line[0] or " " in text


def test_chinese_wraps_between_characters_but_not_before_a_full_stop():
    assert wrap_text("隐藏层的宽度。", 12) == ["隐藏层的宽", "度。"]
    assert wrap_text("the hidden layer", 11) == ["the hidden", "layer"]
    assert wrap_text("用 NumPy 来算（手写）", 12) == ["用 NumPy 来", "算（手写）"]


def test_numbers_in_columns():
    assert table_columns(np.array([[1.0, -2.5], [0.0, 10.25]])) == [
        " 1.000  -2.500",
        "     0  10.250",
    ]
    assert format_entry(-12345.678) == "-12346"
    assert format_entry(0.00001) == "1.000e-05"
    assert format_entry(float("nan"), 1) == "nan"
    assert format_entry(-0.00001, 5) == "0.0000"


def test_tables_align_in_chinese():
    lines = []
    Page("zh", 80, lambda style, line: lines.append(line)).table(
        ["做什么", "b"], [["中", "x"], ["abc", "y"]]
    )
    assert lines == ["  做什么  b", "  ------  -", "  中      x", "  abc     y"]


# The command


def command(*arguments):
    with pytest.raises(SystemExit) as caught:
        main(["explain", *arguments])
    return caught.value.code


SIZES = ("--n-rows", "3", "--n-inputs", "2", "--n-hidden", "2", "--n-outputs", "1", "--steps", "2")


@pytest.mark.parametrize("topic", ["program", "autograd", "timing", "numpy-torch"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_topic_runs_from_the_command_line(topic, lang, capsys):
    assert command("--topic", topic, "--lang", lang, *SIZES) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert is_chinese(out) == (lang == "zh")
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "en", "zh"),
    [
        (["--n-rows", "0"], "--n-rows must be", "--n-rows 必须"),
        (["--n-inputs", "-2"], "'-2'", "'-2'"),
        (["--n-hidden", "many"], "--n-hidden must be", "--n-hidden 必须"),
        (["--n-outputs", "1.5"], "--n-outputs must be", "--n-outputs 必须"),
        (["--steps", "0"], "--steps must be", "--steps 必须"),
        (["--seed", "-1"], "at least 0", "不小于 0"),
        (["--every", "0"], "--every must be", "--every 必须"),
        (["--learning-rate", "0"], "above 0", "大于 0"),
        (["--learning-rate", "nan"], "above 0", "大于 0"),
        (["--learning-rate", "inf"], "above 0", "大于 0"),
        (["--topic", "autogrd"], "did you mean 'autograd'", "是不是想写 'autograd'"),
        (["--activation", "swish"], "choose one of relu", "可选的有 relu"),
    ],
)
def test_bad_input_is_one_line_in_the_readers_language(arguments, en, zh, capsys):
    for lang, said in (("en", en), ("zh", zh)):
        assert command(*arguments, "--lang", lang) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert said in err
        assert err.count("\n") == 1
        assert is_chinese(err) == (lang == "zh")


def test_an_unknown_language_is_told_in_the_locales(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert command("--lang", "fr") == 2
    assert "可选的有 en, zh" in capsys.readouterr().err
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert command("--lang", "fr") == 2
    assert "choose one of en, zh" in capsys.readouterr().err


def test_the_language_is_the_locales(capsys, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert command(*SIZES) == 0
    assert "隐藏层" in capsys.readouterr().out


def test_tables_that_do_not_fit_in_memory(capsys, monkeypatch):
    def full(*arguments, **settings):
        raise MemoryError

    monkeypatch.setattr("twolayer.cli.commands.explain.explain_program", full)
    assert command(*SIZES) == 2
    assert "not enough memory" in capsys.readouterr().err


def test_a_terminal_without_these_letters_is_no_crash():
    import os

    program = "from twolayer.cli.main import main; main(['explain', '--lang', 'zh', '--topic', 'program', '--steps', '1'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert b"w1 -= learning_rate * grad_w1" in done.stdout
