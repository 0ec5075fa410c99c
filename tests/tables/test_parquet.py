"""Pages that claim absurd numbers of values are refused before polars sees them; polars writes the files."""

import io
import subprocess
import sys

import numpy as np
import polars
import pytest

from twolayer import FileError, tables
from twolayer.tables.readers import parquet

FRAME = polars.DataFrame(
    {"a": np.arange(5000) / 7, "b": ["x", "y", None, "z"] * 1250, "c": [True, None] * 2500}
)


def written(**more):
    buffer = io.BytesIO()
    FRAME.write_parquet(buffer, **more)
    return buffer.getvalue()


def counts(data):
    """The numbers of values that the pages claim."""
    footer = parquet._footer(lambda at, count: data[at : at + count], len(data))
    return [
        list(parquet._counts(chunk, lambda at, count: data[at : at + count], len(data)))
        for chunk in parquet._chunks(footer)
    ]


@pytest.mark.parametrize("compression", ["uncompressed", "zstd", "snappy"])
def test_the_pages_of_a_column_hold_its_values(compression):
    data = written(compression=compression, row_group_size=2000, data_page_size=4000)
    found = counts(data)
    assert len(found) == 9  # three columns, three groups of rows
    for j, pages in enumerate(found):
        rows = 2000 if j < 6 else 1000
        assert sum(pages) in (rows, rows + 3)  # a dictionary of 'x', 'y' and 'z' is a page too
    assert len(found[0]) > 1
    parquet.refuse_wild_pages("t.parquet", io.BytesIO(data))


@pytest.mark.parametrize("kind", ["read_table", "stream_table"])
def test_a_page_that_claims_fewer_than_no_values_is_refused(tmp_path, kind):
    """In a process of its own, which polars would end."""
    data = bytearray(written(compression="uncompressed"))
    page, length = parquet._page(lambda at, count: bytes(data[at : at + count]), 4, 1000)
    head = bytes(data[4 : 4 + length])
    count = page[parquet.DATA_PAGE][parquet.PAGE_VALUES]
    said = bytes([(2 * count & 127) | 128, 2 * count >> 7])  # 5000, as Thrift writes it
    assert count == 5000
    assert head.count(said) == 1
    at = 4 + head.index(said)
    data[at : at + 2] = b"\x81\x00"  # -1
    path = tmp_path / "t.parquet"
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", f"from twolayer import tables; list(tables.{kind}({str(path)!r}))"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "FileError" in done.stderr
    assert "a page claims -1 values, and its column has 5000" in done.stderr


def test_what_is_damaged_in_another_way_is_left_to_polars(tmp_path):
    data = written()
    for broken in (
        b"PAR1",
        data[:-1],
        data[:200] + data[-8:],
        data[:-60] + b"\xff" * 52 + data[-8:],
    ):
        parquet.refuse_wild_pages("t.parquet", io.BytesIO(broken))
        (tmp_path / "t.parquet").write_bytes(broken)
        with pytest.raises(FileError, match="cannot be read as a Parquet file"):
            tables.read_table(tmp_path / "t.parquet")


def test_a_page_header_that_cannot_be_read_is_refused():
    data = bytearray(written())
    data[4:8] = b"\xff" * 4
    with pytest.raises(FileError, match="the header of a page is damaged"):
        parquet.refuse_wild_pages("t.parquet", io.BytesIO(bytes(data)))
