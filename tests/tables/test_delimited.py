"""Reading CSV files. Numbers are compared with what was written (repr of a float is exact) and with polars' reader."""

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twolayer import FileError, InputError, tables
from twolayer.tables.readers import delimited


@pytest.fixture
def written(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_numbers_text_names_and_lines(written):
    table = tables.read_table(written("a,b,kind\n1,-2.5e3,x\n 4 , .5,y\n"), text=["kind"])
    assert table.names == ["a", "b", "kind"]
    assert table.numbers[:, :2].tolist() == [[1, -2500], [4, 0.5]]
    assert np.isnan(table.numbers[:, 2]).all()
    assert table.texts == {"kind": ["x", "y"]}
    assert table.lines.tolist() == [2, 3]
    assert table.inputs(["b", "a"]).tolist() == [[-2500, 1], [0.5, 4]]


def test_a_hash_is_no_comment(written):
    """NumPy's reader would take what stands after it for one."""
    table = tables.read_table(written("a,b,kind\n1,2#3,x#1\n#4,5,y\n"), text=["kind"])
    assert table.texts["kind"] == ["x#1", "y"]
    assert (table.words("a"), table.words("b")) == (["1", "#4"], ["2#3", "5"])
    table = tables.read_table(written("a,kind\n1,x#1\n2,#y\n"), text=["kind"])
    assert table.texts["kind"] == ["x#1", "#y"]


def test_marks_in_a_quoted_name_separate_nothing(written):
    table = tables.read_table(written('"a;b;c;d",kind\n1,x\n2,y\n'), text=["kind"])
    assert table.names == ["a;b;c;d", "kind"]
    assert table.inputs(["a;b;c;d"]).tolist() == [[1], [2]]


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1))
def test_every_float_comes_back_to_the_last_bit(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text("a,b,c\n" + "".join(",".join(map(repr, row)) + "\n" for row in rows))
    read = tables.read_table(path).inputs(["a", "b", "c"])
    assert read.tobytes() == np.array(rows, dtype=float).tobytes()


def test_as_polars_reads_it(written):
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.standard_normal((50, 4)) * 10.0 ** rng.integers(-9, 9, 4), range(50)])
    lines = [",".join(f"{value:.7g}" for value in row) for row in x]
    path = written("a,b,c,d,e\n" + "\n".join(lines))
    assert np.array_equal(
        tables.read_table(path).inputs(list("abcde")),
        polars.read_csv(path).to_numpy(),
        equal_nan=False,
    )


@pytest.mark.parametrize(
    "content",
    [
        "a,b,kind\n1,2,x\n3,4,y\n",
        "\ufeffa,b,kind\n1,2,x\n3,4,y\n",  # as spreadsheets write UTF-8
        "a;b;kind\n1;2;x\n3;4;y\n",
        "a\tb\tkind\n1\t2\tx\n3\t4\ty\n",
        "a,b,kind\r\n1,2,x\r\n3,4,y\r\n",
        "a,b,kind\r1,2,x\r3,4,y\r",
        "a,b,kind\n1,2,x\n3,4,y",
        "a,b,kind\n\n1,2,x\n\n3,4,y\n\n",
        '"a","b","kind"\n"1",2,"x"\n3,"4",y\n',
        "a, b, kind\n1, 2, x\n3, 4, y\n",
        'a, "b", kind\n1, 2, "x"\n3, 4, y\n',
    ],
)
def test_dialects(written, content):
    table = tables.read_table(written(content), text=["kind"])
    assert table.names == ["a", "b", "kind"]
    assert table.inputs(["a", "b"]).tolist() == [[1, 2], [3, 4]]
    assert table.texts == {"kind": ["x", "y"]}


def test_quoted_fields_may_hold_commas_quotes_and_line_ends(written):
    path = written('a,kind\n1,"x, ""y""\nz"\n2,plain\noops,q\n')
    table = tables.read_table(path, text=["kind"])
    assert table.texts["kind"] == ['x, "y"\nz', "plain", "q"]
    assert table.lines.tolist() == [2, 4, 5]
    with pytest.raises(InputError, match=r"'a' holds text, for example 'oops' in line 5"):
        table.inputs(["a"])


@pytest.mark.parametrize("odd", [0, 1, 57, 98, 99])
def test_lines_are_right_across_blocks(written, monkeypatch, odd):
    monkeypatch.setattr(delimited, "CHARACTERS_PER_BLOCK", 64)
    rows = [f"{i},{i}.5,c{i % 3}" for i in range(100)]
    rows[odd] = f"{odd},x,c0"
    table = tables.read_table(written("a,b,kind\n" + "\n".join(rows)), text=["kind"])
    assert table.lines.tolist() == list(range(2, 102))
    assert table.inputs(["a"])[:, 0].tolist() == list(range(100))
    assert table.texts["kind"] == ["c0" if i == odd else f"c{i % 3}" for i in range(100)]
    with pytest.raises(InputError, match=rf"'b' holds text, for example 'x' in line {odd + 2},"):
        table.inputs(["a", "b"])


def test_text_in_a_column_that_is_kept_has_its_line_too(written, monkeypatch):
    monkeypatch.setattr(delimited, "CHARACTERS_PER_BLOCK", 8)
    table = tables.read_table(written("a,y\n" + "1,2\n" * 20 + "1,x\n1,z\n"), text=["y"])
    with pytest.raises(InputError, match=r"'y' holds text, for example 'x' in line 22,"):
        tables.read_target(table, "y", "regression")


def test_blank_lines_across_blocks(written, monkeypatch):
    monkeypatch.setattr(delimited, "CHARACTERS_PER_BLOCK", 8)
    content = "a,b\n" + "".join(f"{i},{i}\n\n" for i in range(30))
    table = tables.read_table(written(content))
    assert table.inputs(["b"])[:, 0].tolist() == list(range(30))
    assert table.lines.tolist() == list(range(2, 62, 2))


def test_only_columns_that_are_asked_for_must_hold_numbers(written):
    table = tables.read_table(written("id,a,target\ns1,1,\ns2,2,\n"))
    assert table.inputs(["a"]).tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "has a header but no rows"),
        ("a,b\n\n \n", "has a header but no rows"),
        ("a,b,a\n1,2,3\n", "columns 1 and 3 are both named 'a'"),
        ("a,\n1,2\n", r"column 2 has no name in the header"),
        ("a, ,b\n1,2,3\n", "column 2 has no name in the header"),
        ("a,b\n1,2\n3\n", "line 3 has 1 field, but the header names 2 columns"),
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 fields, but the header names 2 columns"),
        ("a,b\n1,2,9\n3,4,5\n", "line 2 has 3 fields"),
        ('a,b\n1,2\n3,"4\n', "is not a CSV file that can be read"),
        (b"a,b\n1,\x81\xe9\x8f\n", "is not text in UTF-8"),
        (b"PK\x03\x04\x00\x00\xff", "is a zip file: unpack it"),
        (b"\x1f\x8b\x08\x00abc", "was cut off: its end is missing"),
        (b"a,b\n1,2\n\x00,3\n", None),
    ],
)
def test_what_is_no_table_is_told(written, content, message):
    path = written(content)
    if message is None:  # a stray byte in a field is text in that column
        with pytest.raises((FileError, InputError), match=r"t\.csv"):
            tables.read_table(path).inputs(["a"])
        return
    with pytest.raises(FileError, match=message) as caught:
        tables.read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,2\n3,red\n4,blue", r"column 'b' holds text, for example 'red' in line 3"),
        ("1,red\nblue,2", r"column 'a' \(and 'b'\) holds text, for example 'blue' in line 3"),
        ("1,2\n3,", r"line 3 has no value in column 'b': fill it in"),
        (
            "1,2\n3,NA\n,5",
            r"line 3 has no value in column 'b' \(2 such fields in all, in 'a', 'b'\)",
        ),
        ("1,2\n3,nan", r"line 3 has no value in column 'b'"),
        ("1,2\n3,inf", r"line 3 has inf, which is not a finite number, in column 'b'"),
        ("1,2\n3,1e999", r"line 3 has inf"),
        ("1,2\n3,1_000", r"column 'b' holds text, for example '1_000' in line 3"),
        ("1,2\n3,true", r"column 'b' holds text, for example 'true'"),
        ("1,2\n3,NA\n4,x", r"column 'b' holds text, for example 'x' in line 4"),
    ],
)
def test_what_is_no_number_is_told_by_line_and_column(written, rows, message):
    table = tables.read_table(written(f"a,b\n{rows}\n"))
    with pytest.raises(InputError, match=message):
        table.inputs(["a", "b"])


def test_decimal_commas_are_named(written):
    table = tables.read_table(written("a;b\n1;2,5\n"))
    with pytest.raises(InputError, match="write decimals with a point"):
        table.inputs(["a", "b"])


def test_no_such_file_folder_and_nearest_name(tmp_path, written):
    written("a,b\n1,2\n", "growth.csv")
    with pytest.raises(
        FileError, match=r"there is no file .*grwth\.csv; did you mean 'growth\.csv'"
    ):
        tables.read_table(tmp_path / "grwth.csv")
    with pytest.raises(FileError, match="is a folder, not a table"):
        tables.read_table(tmp_path)
    with pytest.raises(FileError, match="there is no file"):
        tables.read_table(tmp_path / "no" / "such.csv")


def test_no_permission(written, monkeypatch):
    path = written("a,b\n1,2\n")

    def refuse(*args, **kwargs):  # root may read everything, so the system is not asked
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(FileError, match="cannot be read: Permission denied"):
        tables.read_table(path)


def test_a_target_that_is_not_there_has_a_nearest_name(written):
    with pytest.raises(InputError, match="no column 'Specie'; did you mean 'species'"):
        tables.read_table(written("a,species\n1,x\n"), text=["Specie"])
    with pytest.raises(InputError, match="no column 'zzz': the columns are 'a', 'species'"):
        tables.read_table(written("a,species\n1,x\n"), text=["zzz"])
    with pytest.raises(
        InputError, match="the first line holds numbers only, is the header missing"
    ):
        tables.read_table(written("1,2\n3,4\n"), text=["y"])


def target_of(tmp_path, values, task="auto"):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"1,{value}\n" for value in values))
    return tables.read_target(tables.read_table(path, text=["y"]), "y", task)


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["x", "y", "x"], "classification", ["x", "y"]),
        ([0, 1, 1, 0], "classification", [0, 1]),
        (["True", "False"], "classification", ["False", "True"]),
        ([1.0, 2.0] * 5, "classification", ["1.0", "2.0"]),  # as they are written
        ([1, 2, 3] * 10, "classification", [1, 2, 3]),
        (["1", "2", "unknown"], "classification", ["1", "2", "unknown"]),
        ([1, 2, 3] * 9, "regression", None),  # too few rows for three classes to be evident
        (range(300), "regression", None),
        (list(range(21)) * 20, "regression", None),
        ([0.5, 1.5] * 50, "regression", None),
        ([1e20, 2e20] * 50, "regression", None),
    ],
)
def test_the_task_is_guessed(tmp_path, values, task, classes):
    target = target_of(tmp_path, values)
    assert target.task == task
    if classes is None:
        assert target.values.tolist() == [float(value) for value in values]
    else:
        assert np.unique(target.values).tolist() == classes


def test_the_task_can_be_set(tmp_path):
    assert target_of(tmp_path, [0, 1, 1], "regression").values.tolist() == [0, 1, 1]
    assert target_of(tmp_path, range(30), "classification").values.tolist() == list(range(30))
    halves = target_of(tmp_path, [0.5, 1.5, 0.5], "classification")
    assert halves.values.tolist() == ["0.5", "1.5", "0.5"]


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (["x", "", "y"], "auto", "line 3 has no value in column 'y', which is the target"),
        (["x", "NA", "y"], "classification", "line 3 has no value"),
        ([1.5, "nan"], "regression", "line 3 has no value"),
        ([1.5, "inf"], "auto", "line 3 has inf"),
        ([1.5, "x"], "regression", "column 'y' holds text, for example 'x' in line 3"),
        (["x", "x"], "auto", "is 'x' in every row: the target needs two classes"),
        ([1, 1, 1], "auto", "is '1' in every row"),
    ],
)
def test_targets_that_cannot_be_learned(tmp_path, values, task, message):
    with pytest.raises(InputError, match=message):
        target_of(tmp_path, values, task)
