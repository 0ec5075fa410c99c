"""Answers written block by block; polars reads them back."""

import os

import polars
import pytest

from twolayer.cli.row_writer import row_writer

HEADER = ["id", "prediction", "count", "low"]
BLOCKS = [
    [("01", "yes", 3, 0.1), ('two\nlines, "quoted"', "no", -4, 1e-300)],
    [("", "no", 2**60, float("inf"))],
    [(f"s{i}", "01", i, i / 7) for i in range(500)],
]
ROWS = [row for block in BLOCKS for row in block]


def write(path):
    with row_writer(path) as write_rows:
        write_rows([HEADER])
        for block in BLOCKS:
            write_rows(block)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz", "a.parquet", "a.pq"])
def test_what_is_written_is_what_is_read(tmp_path, name):
    path = write(tmp_path / name)
    if path.suffix in (".parquet", ".pq"):
        read = polars.read_parquet(path)
        assert read.dtypes == [polars.String, polars.String, polars.Int64, polars.Float64]
    else:
        kinds = dict.fromkeys(HEADER[:2], polars.String)
        mark = "\t" if ".tsv" in name else ","
        read = polars.read_csv(path, schema_overrides=kinds, separator=mark)
    assert read.columns == HEADER
    assert [tuple(v or "" if v is None else v for v in row) for row in read.rows()] == ROWS
    assert os.listdir(tmp_path) == [name]


def test_a_column_of_ids_with_the_name_of_another(tmp_path):
    path = tmp_path / "a.parquet"
    with row_writer(path) as write_rows:
        write_rows([["prediction", "prediction"]])
        write_rows([("a", 1.5), ("b", 2.5)])
    assert polars.read_parquet(path).to_dict(as_series=False) == {
        "prediction": ["a", "b"],
        "prediction_2": [1.5, 2.5],
    }


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_what_was_there_stays_if_the_work_stops(tmp_path, name):
    def stopped():
        with row_writer(path) as write_rows:
            write_rows([HEADER])
            raise KeyboardInterrupt

    path = tmp_path / name
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == [name]
