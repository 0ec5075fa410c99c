"""Files that claim, or unpack to, far more than they hold: refused in one line before memory is taken."""

import gzip
import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from twolayer import FileError, tables
from twolayer.tables.readers import text_files


def npy_header(shape, dtype="<f8"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def packed_zeros(count):
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w") as part,
    ):
        part.write(npy_header((count // 8, 1)))
        for _ in range(count >> 20):
            part.write(bytes(1 << 20))
    return file.getvalue()


CLAIMS = {
    "s.svm": b"1 49999999:1\n0 5:1\n",
    "s.mtx": b"%%MatrixMarket matrix coordinate real general\n3 49999999 1\n1 49999999 1\n",
    "r.mtx": b"%%MatrixMarket matrix coordinate real general\n49999999 3 1\n1 1 1\n",
    "huge.npy": npy_header((10**12, 1000)),
    "empty.npy": npy_header((10**9, 0)),
    "none.npy": npy_header((0, 10**9)),
    "wide.npy": npy_header((10**9, 5), "<U0"),
    "scalar.npy": npy_header(()) + bytes(8),
    "fields.npy": npy_header((2,), [("a", "<f8"), ("b", "<M8[D]")]) + bytes(32),
    "nested.npy": npy_header((2,), [("a", "<f8", (2, 2))]) + bytes(64),
    "objects.npy": npy_header((2,), "|O") + bytes(16),
    "nothing.npy": b"",
    "letters.npy": npy_header((1,), [("a", "<U2")]) + b"\xff" * 8,
    "bytes.npy": npy_header((1,), "|S2") + b"\xff" * 2,
}


@pytest.mark.parametrize("name", CLAIMS)
def test_small_files_that_claim_much_are_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(CLAIMS[name])
    for read in (tables.read_table, lambda path: list(tables.stream_table(path))):
        with pytest.raises(FileError, match=name) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_structured_arrays_are_tables(tmp_path):
    array = np.array([(1, 2.5, "u"), (3, 4.5, "v")], dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")])
    np.save(tmp_path / "t.npy", array)
    table = tables.read_table(tmp_path / "t.npy")
    assert table.names == ["a", "b", "c"]
    assert table.words("c") == ["u", "v"]
    assert [block.n_rows for block in tables.stream_table(tmp_path / "t.npy")] == [2]


def test_packed_files_that_unpack_to_much_more_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "LARGE_UNPACKED", 1 << 20)
    monkeypatch.setattr(tables.readers.arrays, "LARGE_UNPACKED", 1 << 20)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"0,0\n" * (1 << 20)))
    (tmp_path / "t.svm.gz").write_bytes(gzip.compress(b"1 1:1\n" * (1 << 20)))
    (tmp_path / "t.npz").write_bytes(packed_zeros(1 << 24))
    for name in ("t.csv.gz", "t.svm.gz", "t.npz"):
        with pytest.raises(FileError, match=f"{name}.* packed so small"):
            tables.read_table(tmp_path / name)


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text_files, "LONGEST_LINE", 1000)
    for content in ("1" * 5000, "a,b\n" + "1," * 3000):
        (tmp_path / "t.csv").write_text(content)
        with pytest.raises(FileError, match="a line of more than 1,000 characters"):
            tables.read_table(tmp_path / "t.csv")


def test_a_parquet_file_that_claims_more_values_than_bytes_can_hold_is_refused(
    tmp_path, monkeypatch
):
    import polars as pl

    monkeypatch.setattr(tables.readers.parquet, "FEW_VALUES", 1000)
    monkeypatch.setattr(tables.readers.parquet, "VALUES_PER_BYTE", 1)
    pl.DataFrame({"a": pl.repeat(1.0, 3_000_000, eager=True)}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(FileError, match="claims 3,000,000 values"):
        tables.read_table(tmp_path / "t.parquet")


@pytest.mark.skipif(os.name != "posix", reason="pipes with names are POSIX")
def test_pipes_and_closed_standard_input_are_refused_and_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(FileError, match="a pipe or a device"):
        tables.read_table(tmp_path / "pipe.csv")
    code = "from twolayer.cli.main import main; main(['fit', '-', '--target', 'y', '--out', 'o'])"
    got = subprocess.run(
        f'"{sys.executable}" -c "{code}" <&-',
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert got.returncode == 2
    assert got.stderr.startswith("twolayer: standard input is closed")


def test_small_claims_take_little_memory(tmp_path):
    """In a process of 3 GB of addresses: 50 million names alone would take more."""
    resource = pytest.importorskip("resource", reason="the limit of addresses is POSIX's")
    (tmp_path / "s.svm").write_bytes(CLAIMS["s.svm"])
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))  # noqa: E731
    code = "from twolayer import tables; tables.read_table('s.svm')"
    got = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, preexec_fn=limit
    )
    assert "FileError: s.svm has 19 bytes and claims 49,999,999 columns" in got.stderr
