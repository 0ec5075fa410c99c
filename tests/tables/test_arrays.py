"""Stored arrays at their edges, read whole and in blocks."""

import gc
import io
import sys

import numpy as np
import pytest

from twolayer import FileError, tables


def blocks(path):
    return list(tables.stream_table(path))


@pytest.mark.parametrize("read", [tables.read_table, blocks])
@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 3)), "has no rows"),
        (np.array(5.0), "holds an array of shape|has no rows"),
        (np.zeros((2, 2, 2)), "a table has rows and columns"),
        (np.zeros((2, 2), complex), "neither numbers nor text"),
    ],
)
def test_arrays_that_are_no_tables(tmp_path, read, array, message):
    np.save(tmp_path / "t.npy", array)
    with pytest.raises(FileError, match=message) as caught:
        read(tmp_path / "t.npy")
    assert str(tmp_path / "t.npy") in str(caught.value)


def test_words_have_no_blanks_around_them(tmp_path):
    np.save(tmp_path / "t.npy", np.array([" u", "v ", "w"]))
    assert tables.read_table(tmp_path / "t.npy").words("x1") == ["u", "v", "w"]


def test_bytes_are_text(tmp_path):
    np.save(tmp_path / "t.npy", np.array([["u", "é"], ["v", "w"]]))
    np.save(tmp_path / "b.npy", np.array([[b"u", "é".encode()], [b"v", b"w "]]))
    for name in ("t.npy", "b.npy"):
        table = tables.read_table(tmp_path / name)
        assert (table.words("x1"), table.words("x2")) == (["u", "v"], ["é", "w"])


def test_fields_of_an_array_may_hold_several_columns(tmp_path):
    fields = np.array([(1, (2, 3)), (4, (5, 6))], dtype=[("n", int), ("v", float, 2)])
    np.save(tmp_path / "t.npy", fields)
    table = tables.read_table(tmp_path / "t.npy")
    assert (table.names, table.numbers.tolist()) == (["n", "v1", "v2"], [[1, 2, 3], [4, 5, 6]])


def test_an_array_without_columns(tmp_path):
    np.save(tmp_path / "t.npy", np.zeros((3, 0)))
    with pytest.raises(FileError, match="has no columns"):
        tables.read_table(tmp_path / "t.npy")


@pytest.mark.parametrize(
    "content",
    [
        b"\x93NUMPY",
        b"%%MatrixMarket matrix array real general\n2 2\n1\n3\n2\n4\n",
    ],
)
def test_standard_input_is_known_by_its_first_bytes(monkeypatch, content):
    """The bytes that the formats begin with; [[1, 2], [3, 4]] column by column in Matrix Market."""
    if content == b"\x93NUMPY":
        file = io.BytesIO()
        np.save(file, np.array([[1, 2], [3, 4]]))
        assert file.getvalue().startswith(content)
        content = file.getvalue()

    class Input:
        buffer = io.BufferedReader(io.BytesIO(content))

    monkeypatch.setattr(sys, "stdin", Input())
    assert tables.read_table("-").numbers.tolist() == [[1, 2], [3, 4]]


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["t.npy", "t.npz"])
def test_a_file_that_begins_as_a_zip_and_is_none_is_closed(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(FileError, match="cannot be read as"):
        tables.read_table(path)
    gc.collect()
