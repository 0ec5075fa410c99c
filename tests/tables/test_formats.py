"""Every kind of file gives the table that was written; polars, NumPy, SciPy and scikit-learn write them."""

import gzip
import io
import sys
from itertools import product
from pathlib import Path

import numpy as np
import polars
import pytest
import scipy.io
import scipy.sparse
from sklearn.datasets import dump_svmlight_file

from twolayer import FileError, InputError, tables
from twolayer.tables.readers import formats
from twolayer.tables.readers.file_format import FileFormat
from twolayer.tables.transpose import transpose_table

RNG = np.random.default_rng(0)
NUMBERS = np.round(RNG.standard_normal((40, 3)), 3)
FRAME = polars.DataFrame(
    {
        "a": NUMBERS[:, 0],
        "b": NUMBERS[:, 1],
        "kind": ["x", "y"] * 20,
        "ok": [True, False] * 20,
        "count": list(range(40)),
    }
)


def write_frame(path):
    name = path.name.removesuffix(".gz")
    if name.endswith((".csv", ".tsv", ".txt")):
        text = FRAME.write_csv(separator="\t" if name.endswith(".tsv") else ",")
        data = text.encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    elif name.endswith(".parquet"):
        FRAME.write_parquet(path)
    else:
        FRAME.write_ipc(path)


@pytest.mark.parametrize(
    "name", ["t.csv", "t.tsv", "t.csv.gz", "t.txt", "t.parquet", "t.arrow", "t.feather", "t.ipc"]
)
@pytest.mark.parametrize("streamed", [False, True])
def test_data_frames(tmp_path, name, streamed):
    path = tmp_path / name
    write_frame(path)
    table = next(tables.stream_table(path)) if streamed else tables.read_table(path)
    assert table.names == FRAME.columns
    assert table.inputs(["a", "b"]).tolist() == NUMBERS[:, :2].tolist()
    assert table.words("kind") == ["x", "y"] * 20
    assert table.words("ok") == ["true", "false"] * 20
    assert table.words("count") == [str(i) for i in range(40)]
    assert set(table.texts) == {"kind", "ok"}
    with pytest.raises(InputError, match=r"'kind' holds text, for example 'x' in (line 2|row 1),"):
        table.inputs(["kind"])


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow"])
def test_gaps_and_dates_of_a_data_frame(tmp_path, suffix):
    frame = polars.DataFrame(
        {"a": [1.5, None], "b": ["x", None], "day": ["2021-03-04", "2021-03-05"]}
    )
    frame = frame.with_columns(polars.col("day").str.to_date())
    path = tmp_path / f"t{suffix}"
    writers = {".csv": frame.write_csv, ".parquet": frame.write_parquet, ".arrow": frame.write_ipc}
    writers[suffix](path)
    table = tables.read_table(path)
    np.testing.assert_array_equal(table.column("a"), [1.5, np.nan])
    assert table.words("b") == ["x", ""]
    assert table.words("day") == ["2021-03-04", "2021-03-05"]


def test_what_a_data_frame_may_hold_and_a_table_not(tmp_path):
    path = tmp_path / "t.parquet"
    polars.DataFrame({"a": [1, 2], "list": [[1], [2, 3]]}).write_parquet(path)
    with pytest.raises(FileError, match="column 'list' holds List"):
        tables.read_table(path)


@pytest.mark.parametrize("rows_at_once", [1, 60, 10**9])
@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.npy", "t.csv"])
def test_blocks_together_are_the_table(tmp_path, monkeypatch, name, rows_at_once):
    for page in (tables.readers.arrays, tables.readers.frames):
        monkeypatch.setattr(page, "NUMBERS_PER_SLICE", rows_at_once)
    for most in ("NUMBERS_PER_READ", "UNPACKED_BYTES"):
        monkeypatch.setattr(tables.readers.frames, most, rows_at_once)
    monkeypatch.setattr(tables.readers.delimited, "CHARACTERS_PER_BLOCK", rows_at_once)
    path = tmp_path / name
    np.save(path, NUMBERS) if name.endswith("npy") else write_frame(path)
    whole = tables.read_table(path)
    blocks = list(tables.stream_table(path))
    assert (len(blocks) > 1) == (rows_at_once < 10**9)
    together = np.concatenate([block.numbers for block in blocks])
    np.testing.assert_array_equal(together, whole.numbers)
    if whole.texts:
        assert [word for block in blocks for word in block.words("kind")] == whole.words("kind")
    if whole.lines is not None:
        assert np.concatenate([block.lines for block in blocks]).tolist() == whole.lines.tolist()


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".npy"])
def test_a_row_of_a_later_block_is_told_by_its_place_in_the_file(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(tables.readers.arrays, "NUMBERS_PER_SLICE", 60)
    path = tmp_path / f"t{suffix}"
    np.save(path, NUMBERS) if suffix == ".npy" else write_frame(path)
    where = [block.where(i) for block in tables.stream_table(path) for i in range(block.n_rows)]
    assert where == [f"row {i + 1}" for i in range(40)]


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_a_file_name_is_no_pattern(tmp_path, suffix):
    """polars takes a file's name for a pattern, and a column's too."""
    path = tmp_path / f"t[1]?*{suffix}"
    frame = polars.DataFrame({"^a.*$": [1.0, 2.0], "ab": [3.0, 4.0]})
    (frame.write_parquet if suffix == ".parquet" else frame.write_ipc)(path)
    for table in (tables.read_table(path), *tables.stream_table(path)):
        assert table.names == ["^a.*$", "ab"]
        assert table.numbers.tolist() == [[1, 3], [2, 4]]


def test_arrays(tmp_path):
    np.save(tmp_path / "t.npy", NUMBERS.astype(np.float32))
    table = tables.read_table(tmp_path / "t.npy")
    assert table.names == ["x1", "x2", "x3"]
    assert table.numbers.tolist() == NUMBERS.astype(np.float32).astype(float).tolist()
    words = np.array(["u", "v"] * 20)
    np.savez(tmp_path / "t.npz", x=NUMBERS, y=words, w=np.arange(40))
    table = tables.read_table(tmp_path / "t.npz", text=["y"])
    assert table.names == ["x1", "x2", "x3", "y", "w"]
    assert table.words("y") == words.tolist()
    assert table.inputs(["w"])[:, 0].tolist() == list(range(40))
    fields = np.array([(1, 2.5), (3, 4.5)], dtype=[("n", int), ("v", float)])
    np.save(tmp_path / "f.npy", fields)
    assert tables.read_table(tmp_path / "f.npy").inputs(["v", "n"]).tolist() == [[2.5, 1], [4.5, 3]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\): a table has rows and columns"),
        (np.zeros((2, 2), complex), "holds complex128, neither numbers nor text"),
        (np.zeros((0, 2)), "has no rows"),
        (np.array([{1: 2}], dtype=object), "cannot be read as an array: .*Python objects"),
    ],
)
def test_arrays_that_are_no_tables(tmp_path, array, message):
    np.save(tmp_path / "t.npy", array, allow_pickle=True)
    with pytest.raises(FileError, match=message):
        tables.read_table(tmp_path / "t.npy")


def test_arrays_of_different_lengths(tmp_path):
    np.savez(tmp_path / "t.npz", x=NUMBERS, y=np.arange(39))
    with pytest.raises(FileError, match=r"different lengths: 'x' \(40, 3\), 'y' \(39,\)"):
        tables.read_table(tmp_path / "t.npz")


def test_svmlight(tmp_path):
    sparse = scipy.sparse.random_array((40, 6), density=0.3, random_state=0, format="csr")
    y = np.arange(40) % 3
    dump_svmlight_file(sparse, y, str(tmp_path / "t.svm"), zero_based=False)
    table = tables.read_table(tmp_path / "t.svm", text=["target"])
    assert table.names == ["x1", "x2", "x3", "x4", "x5", "x6", "target"]
    assert table.sparse
    np.testing.assert_allclose(
        table.inputs(table.names[:-1]).toarray(), sparse.toarray(), rtol=1e-12
    )
    assert tables.read_target(table, "target").values.tolist() == y.tolist()


def test_matrix_market(tmp_path):
    sparse = scipy.sparse.random_array((5, 40), density=0.3, random_state=0, format="coo")
    scipy.io.mmwrite(tmp_path / "t.mtx", sparse)
    table = tables.read_table(tmp_path / "t.mtx")
    np.testing.assert_allclose(table.numbers.toarray(), sparse.toarray())
    turned = transpose_table(table)
    np.testing.assert_allclose(turned.numbers.toarray(), sparse.toarray().T)
    scipy.io.mmwrite(tmp_path / "d.mtx", NUMBERS)
    np.testing.assert_allclose(tables.read_table(tmp_path / "d.mtx").numbers, NUMBERS)


class StandardInput:
    def __init__(self, data):
        self.buffer = io.BufferedReader(io.BytesIO(data))


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".arrow"])
def test_standard_input(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"t{suffix}"
    write_frame(path)
    for read in (tables.read_table, lambda name: next(tables.stream_table(name))):
        monkeypatch.setattr(sys, "stdin", StandardInput(path.read_bytes()))
        table = read("-")
        assert table.inputs(["a", "b"]).tolist() == NUMBERS[:, :2].tolist()
        assert table.path == "-"


def test_utf_16_as_spreadsheets_write_unicode_text(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes("gène\tb\r\n1\t2\r\n".encode("utf-16"))
    assert tables.read_table(path).inputs(["gène", "b"]).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.parquet", b"PAR1 and no more", "cannot be read as a Parquet file"),
        ("t.arrow", b"ARROW1 and no more", "cannot be read as an Arrow or Feather file"),
        ("t.npy", b"\x93NUMPY and no more", "cannot be read as an array"),
        ("t.npz", b"PK and no more", "cannot be read as arrays"),
        ("t.svm", b"1 a:b\n", "cannot be read as svmlight"),
        ("t.mtx", b"%%MatrixMarket and no more\n", "cannot be read as Matrix Market"),
        ("t.xlsx", b"PK\x03\x04", "cannot be read as an Excel file"),
        ("t.csv.gz", b"a,b\n1,2\n\x81", "not text in UTF-8"),
        ("t.csv", b"a,b\n1,2\n3,caf\x8e\n", r"line 3 \(field 2, byte 0x8e\) is not text in UTF-8"),
    ],
)
def test_damaged_files(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    for read in (tables.read_table, lambda path: list(tables.stream_table(path))):
        with pytest.raises(FileError, match=message) as caught:
            read(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)


MATRICES = [
    (symmetry, field, sparse)
    for symmetry, field, sparse in product(
        ["general", "symmetric", "skew-symmetric"], ["real", "integer", "pattern"], [True, False]
    )
    if field != "pattern" or (sparse and symmetry != "skew-symmetric")  # no other has a pattern
]


@pytest.mark.parametrize(("symmetry", "field", "sparse"), MATRICES)
def test_matrix_market_as_scipy_reads_it(tmp_path, symmetry, field, sparse):
    rng = np.random.default_rng(1)
    lower = np.tril(rng.integers(0, 3, (6, 6)), -1).astype(float)
    sign = {"general": 0, "symmetric": 1, "skew-symmetric": -1}[symmetry]
    matrix = lower + sign * lower.T + (sign == 1) * np.diag(np.arange(6.0))
    path = tmp_path / "t.mtx"
    given = scipy.sparse.coo_array(matrix) if sparse else matrix
    scipy.io.mmwrite(path, given, field=field, symmetry=symmetry, comment="by hand")
    expected = scipy.io.mmread(path)
    expected = expected.toarray() if sparse else expected
    for name in ("t.mtx", "t.mtx.gz"):
        (tmp_path / "t.mtx.gz").write_bytes(gzip.compress(path.read_bytes()))
        found = tables.read_table(tmp_path / name)
        assert found.sparse == sparse
        np.testing.assert_array_equal(
            found.columns(found.names).toarray() if sparse else found.numbers, expected
        )


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (
            "coordinate real general\n2 2 1\n3 1 5\n",
            "entry 1 stands in row 3, column 1 of 2 rows and 2",
        ),
        ("coordinate real general\n2 2 1\n1.5 1 5\n", "entry 1 stands in row 1.5"),
        ("coordinate real general\n2 2 1\n0 1 5\n", "entry 1 stands in row 0"),
        (
            "coordinate real general\n2 2 2\n1 1 5\n",
            "claims 2 entries of 3 numbers, and has 1 of 3",
        ),
        ("coordinate real general\n2 2\n1 1 5\n", "its sizes are '2 2'"),
        ("coordinate real general\n2 -2 1\n1 1 5\n", "its sizes are '2 -2 1'"),
        ("coordinate real general\n2 ² 1\n1 1 5\n", "its sizes are '2 ² 1'"),
        ("coordinate real general\n2 2 1.5\n1 1 5\n", "its sizes are '2 2 1.5'"),
        ("array pattern general\n2 2\n", "of a kind that is no table: array pattern general"),
        ("coordinate real general\n2 99999999999 1\n1 1 5\n", "claims 99,999,999,999 columns"),
        ("coordinate real symmetric\n2 3 1\n1 1 5\n", "symmetric with 2 rows and 3 columns"),
        ("coordinate complex general\n2 2 1\n1 1 5 0\n", "no table: coordinate complex general"),
        ("array real general\n2 2\n1\n2\n3\n", "claims 4 entries of 1 numbers, and has 3 of 1"),
        ("coordinate real general\n2 2 1\n1 1 x\n", "cannot be read as Matrix Market"),
    ],
)
def test_matrix_market_that_is_none(tmp_path, rest, message):
    path = tmp_path / "t.mtx"
    path.write_text(f"%%MatrixMarket matrix {rest}")
    with pytest.raises(FileError, match=message):
        tables.read_table(path)


def test_a_format_is_one_line_of_a_table(tmp_path, monkeypatch):
    """A planted format, of which nothing else in the package knows."""

    def read(path, source, options):
        data = source.read() if path == "-" else Path(source).read_bytes()
        return tables.Table(path, ["a", "b"], np.array([list(data[-2:])], dtype=float))

    planted = FileFormat((".two",), read, start=b"TWO")
    monkeypatch.setattr(formats, "FORMATS", (planted, *formats.FORMATS))
    (tmp_path / "t.TWO.gz").write_bytes(b"TWO\x01\x02")
    for name in (tmp_path / "t.TWO.gz", "-"):
        monkeypatch.setattr(sys, "stdin", StandardInput(b"TWO\x01\x02"))
        assert tables.read_table(name, ["b"]).texts == {"b": ["2"]}
        monkeypatch.setattr(sys, "stdin", StandardInput(b"TWO\x01\x02"))
        assert [block.numbers.tolist() for block in tables.stream_table(name)] == [[[1, 2]]]


def test_no_two_formats_claim_the_same_file():
    endings = [ending for one in formats.FORMATS for ending in one.endings]
    assert len(set(endings)) == len(endings)
    assert not formats.FORMATS[-1].endings


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_two_columns_of_one_name_after_blanks_are_refused(tmp_path, suffix):
    frame = polars.DataFrame({"a": [1.0], "a ": [2.0]})
    path = tmp_path / f"t{suffix}"
    (frame.write_parquet if suffix == ".parquet" else frame.write_ipc)(path)
    for read in (tables.read_table, lambda name: list(tables.stream_table(name))):
        with pytest.raises(FileError, match="columns 1 and 2 are both named 'a'"):
            read(path)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".npy"])
def test_a_stream_of_a_file_that_is_not_there(tmp_path, suffix):
    with pytest.raises(FileError, match="there is no file"):
        list(tables.stream_table(tmp_path / f"no{suffix}"))


LARGE = [
    9007199254740993 + k for k in (0, 1, 2, 3)
]  # 2**53 + 1 and what follows: two floats for four numbers


def write_large(path):
    import polars as pl

    frame = pl.DataFrame({"id": LARGE, "a": [1.0, 2.0, 3.0, 4.0]})
    if path.suffix == ".csv":
        frame.write_csv(path)
    elif path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".arrow":
        frame.write_ipc(path)
    elif path.suffix == ".npy":
        np.save(path, np.rec.fromarrays([LARGE, [1.0, 2.0, 3.0, 4.0]], names="id,a"))
    else:
        np.savez(path, id=np.array(LARGE), a=np.arange(1.0, 5.0))


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".arrow", ".npy", ".npz"])
@pytest.mark.parametrize("text", [(), ("id",)])
def test_whole_numbers_that_floats_cannot_tell_apart_stay_exact(tmp_path, ending, text):
    path = tmp_path / f"large{ending}"
    write_large(path)
    assert tables.read_table(path, text).words("id") == list(map(str, LARGE))
    assert next(tables.stream_table(path, text)).words("id") == list(map(str, LARGE))


def test_large_classes_stay_apart_and_large_floats_are_refused_as_names(tmp_path):
    import polars as pl

    path = tmp_path / "classes.parquet"
    pl.DataFrame({"y": LARGE[:2] * 20}).write_parquet(path)
    target = tables.read_target(tables.read_table(path, ["y"]), "y")
    assert sorted(set(target.values.tolist())) == list(map(str, LARGE[:2]))
    floats = tmp_path / "floats.parquet"
    pl.DataFrame({"y": [float(n) for n in LARGE]}).write_parquet(floats)
    with pytest.raises(InputError, match=r"'y' holds 9\d+.* as a float, and above 2\*\*53"):
        tables.read_target(tables.read_table(floats, ["y"]), "y", "classification")
