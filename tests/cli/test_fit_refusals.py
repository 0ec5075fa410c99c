"""What `twolayer fit` cannot do with a table or with a setting: one line, exit code 2, nothing written."""

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import assert_refused, write_tables

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def here(here):
    write_tables(here.parent)
    return here


ROWS = "".join(f"{i},{i * i},{'xy'[i % 2]}\n" for i in range(20))


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (f"a,b,kind\n{ROWS}", ["--target", "kin"], "no column 'kin'; did you mean 'kind'"),
        (
            f"a,b,kind\n{ROWS}7,red,x\n",
            ["--target", "kind"],
            "column 'b' holds numbers but for 'red' in line 22",
        ),
        (f"a,b,kind\n{ROWS}inf,1,x\n", ["--target", "kind"], "line 22 has inf.* in column 'a'"),
        (f"a,b,kind\n{ROWS}7,1,\n", ["--target", "kind"], "line 22 has no value in column 'kind'"),
        (f"a,b,kind\n{ROWS}7,1\n", ["--target", "kind"], "line 22 has 2 fields"),
        (f"a,a,kind\n{ROWS}", ["--target", "kind"], "columns 1 and 2 are both named 'a'"),
        (f"a,,kind\n{ROWS}", ["--target", "kind"], "column 2 has no name"),
        ("a,b,kind\n", ["--target", "kind"], "has a header but no rows"),
        ("", ["--target", "kind"], "is empty"),
        (b"a,kind\n1,\x81\n", ["--target", "kind"], "not text in UTF-8"),
        ("1,2,3\n4,5,6\n", ["--target", "kind"], "is the header missing"),
        ("kind\nx\ny\n", ["--target", "kind"], "has no column but the target 'kind'"),
        (
            "a,kind\n1,x\n2,x\n",
            ["--target", "kind"],
            "is 'x' in every row: the target needs two classes",
        ),
        (f"a,b,kind\n{ROWS}7,1,z\n", ["--target", "kind"], "class 'z' of 'kind' has one row only"),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--task", "regression"],
            "column 'kind' holds text",
        ),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--task", "regresion"],
            "did you mean 'regression'",
        ),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--test-size", 0.01], "1 would be for the test"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--test-size", 0.99], "0 for training"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--test-size", 1], "share of the rows"),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--test-size", 0],
            "--test-size must be a finite",
        ),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--n-hidden", 0], "--n-hidden must be a whole"),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--n-hidden", 10**13],
            "more memory than there is",
        ),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--alpha", -1], "--alpha must be a finite"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--alpha", "nan"], "--alpha must be a finite"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--max-iter", 0], "--max-iter must be"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--seed", -1], "--seed must be"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--seed", 2**32], "--seed must be below"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--activation", "rleu"], "did you mean 'relu'"),
        (
            f"a,b,kind\n{ROWS}",
            ["--target", "kind", "--engine", "nunpy"],
            "no engine 'nunpy'.*choose one of",
        ),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--out", "t.csv"], "is a file, not a folder"),
        (f"a,b,kind\n{ROWS}", ["--target", "kind", "--out", "t.csv/x"], "is a file, not a folder"),
        ("a,b\n1.5,2.5\n", ["--target", "b"], "of 1 rows, 1 would be for the test"),
    ],
)
def test_fit_refuses(here, twolayer, table, options, message):
    Path("t.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    assert_refused(twolayer, here, ["fit", "t.csv", *options], message)


def test_fit_refuses_what_is_no_file(here, twolayer):
    assert_refused(
        twolayer,
        here,
        ["fit", "../irsi.csv", "--target", "y"],
        r"no file .*did you mean 'iris\.csv'",
    )
    assert_refused(twolayer, here, ["fit", "..", "--target", "y"], "is a folder")


def test_when_writing_fails_neither_file_is_there(here, twolayer):
    Path("iris.loss.png").mkdir()
    assert_refused(
        twolayer,
        here,
        ["fit", "../iris.csv", "--target", "target", "--max-iter", 3],
        r"iris\.loss\.png cannot be written: it is a folder",
    )


def test_the_program_itself_exits_with_2(here):
    code = "from twolayer.cli.main import main; main(['fit', 'none.csv', '--target', 'y'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "twolayer: there is no file none.csv\n"
    assert list(here.iterdir()) == []
