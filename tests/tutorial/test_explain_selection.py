"""`twolayer explain` of a single line or part, of whole small tables, of the quadrants, and of a table of one's own."""

import csv
import re

import numpy as np
import pytest
from command_line import done
from explain_pages import SMALL, arrays, flat, read

from twolayer.errors import InputError
from twolayer.tutorial.explain.program import explain_program
from twolayer.tutorial.explain.program_text import PAGE_PARTS
from twolayer.tutorial.ladder import PROGRAMS, LadderProgram


def numbered(lines):
    return {int(m[1]): m[2] for line in lines if (m := re.match(r"([ \d]{2}\d)  (\S.*)", line))}


def test_a_line_is_that_of_the_whole_page():
    whole = numbered(read(explain_program, SMALL))
    for number, code in whole.items():
        assert numbered(read(explain_program, SMALL, line=number)) == {number: code}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_line_that_is_not_there(lang):
    count = len(numbered(read(explain_program, SMALL)))
    with pytest.raises(InputError, match=rf"{count + 1}.* 1 .*{count}"):
        read(explain_program, SMALL, line=count + 1, lang=lang)


def test_the_parts_are_the_page():
    whole = numbered(read(explain_program, SMALL))
    parts = {}
    for part in PAGE_PARTS:
        lines = read(explain_program, SMALL, part=part)
        assert PAGE_PARTS[part].en in lines
        parts |= numbered(lines)
    assert parts == whole


def test_a_table_of_8_by_8_is_whole():
    program = LadderProgram(n_rows=8, n_inputs=8, n_hidden=8, n_outputs=8, steps=1)
    x, _, params = arrays(program)
    lines = read(explain_program, program, part="forward")
    start = next(i for i, line in enumerate(lines) if line.strip() == "h_relu")
    shown = np.array([line.split() for line in lines[start + 1 : start + 9]], dtype=float)
    np.testing.assert_allclose(shown, np.maximum(x @ params.w1, 0), atol=6e-5)


def test_whole_numbers_have_no_decimals():
    lines = read(explain_program, PROGRAMS["P4"], part="setup")
    assert any(line.split() == ["10", "1"] or line.split() == ["-1", "-1"] for line in lines)
    assert not any("1.0000" in line for line in lines if "quadrant" in line)


def test_the_lines_of_the_quadrants_typed_into_python_give_its_figures():
    names = {}
    source = [line[5:] for line in read(explain_program, PROGRAMS["P4"]) if re.match(r"[ \d]{2}\d  \S| {19}", line)]  # fmt: skip
    exec("\n".join(source), names)
    run = LadderProgram(**PROGRAMS["P4"].__dict__)
    page = flat(read(explain_program, run))
    assert f"loss = {names['loss']:.10g}" in page
    angle = np.arctan2(names["x"][:, 1], names["x"][:, 0]) % (2 * np.pi)
    np.testing.assert_array_equal(names["y"].argmax(1), angle // (np.pi / 2))


# A table of one's own


def write_csv(path, rows, names, delimiter=","):
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([names, *rows])
    return path


@pytest.fixture
def flowers(tmp_path):
    rng = np.random.default_rng(0)
    kinds = np.repeat(["rose", "tulip, late", "lily"], 10)
    centre = np.repeat([[0, 0], [6, 0], [0, 6]], 10, axis=0)
    numbers = (centre + rng.standard_normal((30, 2))).round(3)
    rows = [[*pair, kind] for pair, kind in zip(numbers, kinds, strict=True)]
    return write_csv(tmp_path / "flowers.csv", rows, ["width", "height", "kind"]), numbers, kinds


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_classes_of_ones_own(capsys, flowers, lang):
    path, numbers, kinds = flowers
    code, out, err = done(capsys, "explain", path, "--lang", lang)
    assert (code, err) == (0, "")
    kept = np.arange(30) % 5 != 4
    x = (numbers[kept] - numbers[kept].mean(0)) / numbers[kept].std(0)
    y = (kinds[:, None] == np.unique(kinds)).astype(float)[kept]
    rng = np.random.default_rng(0)
    w1, w2 = rng.standard_normal((2, 20)), rng.standard_normal((20, 3))
    b1, b2 = rng.standard_normal(20), rng.standard_normal(3)
    loss = ((np.maximum(x @ w1 + b1, 0) @ w2 + b2 - y) ** 2).sum()
    assert f"loss = {loss:.6g}" in flat(out.splitlines())
    right = re.search(r"(\d+) of 24 rows of training, and for (\d+) of 6 new", flat(out.splitlines()))  # fmt: skip
    if lang == "en":
        assert int(right[1]) > 20
    else:
        assert "训练的 24 行答对" in out.replace("\n", "")


def test_the_lines_of_ones_own_table_are_those_that_ran(capsys, flowers):
    path, *_ = flowers
    _, out, _ = done(capsys, "explain", path)
    source = [line[5:] for line in out.splitlines() if re.match(r"[ \d]{2}\d  \S| {24}", line)]
    names = {}
    exec("\n".join(source), names)
    assert f"loss = {names['loss']:.6g}" in flat(out.splitlines())


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_numbers_of_ones_own(capsys, tmp_path, delimiter):
    x = np.arange(25.0)[:, None] * [1, -3] + np.sin(np.arange(50)).reshape(25, 2)
    rows = np.column_stack([2 * x[:, 0] + 0.5, x])
    path = write_csv(tmp_path / "numbers.csv", rows, ["out", "a", "b"], delimiter)
    code, out, err = done(capsys, "explain", path, "--target", "out", "--part", "loop")
    assert (code, err) == (0, "")
    figures = re.search(r"training rows \(20\) +(\S+) +(\S+) +(\S+)", out)
    assert float(figures[3]) == pytest.approx(20)  # 20 rows of variance 1
    assert float(figures[2]) < 5


BAD_TABLES = [
    ("a,b\n1,2\n", "at least 5 rows", "至少要有 5 行"),
    ("a\n1\n2\n3\n4\n5\n", "one column only", "只有一列"),
    ("a,a,b\n" + "1,2,3\n" * 5, "2 columns are called 'a'", "有 2 列都叫 'a'"),
    ("a,b\n1,2\n2,3\n,4\n4,5\n5,6\n", "row 3 of column 'a' is ''", "'a' 列第 3 行是 ''"),
    ("a,b\nx,2\n2,3\n3,4\n4,5\n5,6\n", "row 1 of column 'a' is 'x'", "第 1 行是 'x'"),
    ("a,b\n1,2\n2,\n3,4\n4,5\n5,6\n", "row 2 of the target 'b' is empty", "第 2 行是空的"),
    ("a,b\n1,2\n1,3\n1,4\n1,5\n9,6\n", "'a' has one value only", "只有一个值"),
    ("a,b\n1,2\n2,3\n3\n4,5\n5,6\n", "cannot be read", "不能读成"),
    ("a,b\n1,k\n2,k\n3,k\n4,k\n5,k\n", "'b' has one value only", "只有一个值"),
    ("a,b\nnan,2\n2,3\n3,4\n4,5\n5,6\n", "is 'nan', which is no finite number", "不是有限的数"),
    ("a,b\n1,2.5\n2,3.1\n3,NA\n4,5\n5,6\n", "holds numbers, but 'NA' in row 3", "第 3 行是 'NA'"),
    ("a,b\n1,k\n2,l\n3,m\n4,n\n5,o\n", "5 different texts in 5 rows", "5 行里有 5 种不同的文字"),
    ("", "cannot be read|at least 5 rows", "不能读成|至少"),
]


@pytest.mark.parametrize(("text", "en", "zh"), BAD_TABLES)
def test_a_table_that_cannot_be_used_is_one_line(capsys, tmp_path, text, en, zh):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    for lang, said in (("en", en), ("zh", zh)):
        code, out, err = done(capsys, "explain", path, "--lang", lang)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert re.search(said, err), err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.csv"], "No such file"),
        (
            ["{}", "--target", "colour"],
            "there is no column 'colour'; the columns are width, height",
        ),
        (["{}", "--n-rows", "3"], "--n-rows is fixed by the data"),
        (["{}", "--program", "P4"], "--program has no meaning with a table"),
        (["{}", "--topic", "timing"], "TABLE has no meaning with --topic timing"),
        (["--target", "kind"], "give the table too"),
        (["--line", "3", "--part", "loop"], "--part has no meaning with --line"),
        (["--line", "0"], "--line must be a whole number"),
        (["--line", "99"], "there is no line 99: the program has lines 1 to 20"),
        (["--part", "backwards"], "did you mean 'backward'"),
        (["--program", "P9"], "choose one of P1, P2, P3, P4"),
        (["--program", "P4", "--n-inputs", "3"], "--n-inputs is fixed by the data (P4)"),
    ],
)
def test_what_does_not_go_together_is_one_line(capsys, flowers, words, said):
    code, out, err = done(capsys, "explain", *(word.format(flowers[0]) for word in words))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


@pytest.mark.parametrize("preset", ["P2", "P3", "P4"])
def test_a_preset_has_the_ladders_losses(capsys, preset):
    _, out, _ = done(capsys, "explain", "--program", preset, "--part", "loop", "--every", "50")
    ladder = done(capsys, "ladder", "--program", preset, "--engines", "numpy", "--every", "50")[1]
    shown = dict(re.findall(r"^ +(\d+) +(\S+) +\S+$", out, re.M))
    for step, loss in re.findall(r"^(\d+) (\S+)$", ladder, re.M):
        assert float(shown[step]) == pytest.approx(float(loss), rel=1e-5)


def test_a_rate_for_ones_own_table_can_be_given(capsys, flowers):
    _, out, _ = done(capsys, "explain", flowers[0], "--learning-rate", "1e-5", "--part", "setup")
    assert "learning_rate = 1e-05" in out
