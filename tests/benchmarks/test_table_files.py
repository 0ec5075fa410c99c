"""The tables that are measured are what they are said to be; Python's csv reads them."""

import csv
import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic_tables import random_lines, repeated_lines, table_writers
from twolayer import tables


def test_a_table_of_the_size_that_was_asked_for():
    lines, _ = random_lines((40, 3), 6)
    text = "".join(repeated_lines(lines, 10_000))
    header, *rows = csv.reader(text.splitlines())
    assert header == ["sample", "g0", "g1", "g2"]
    assert 10_000 <= len(text) < 12_000
    assert len({row[0] for row in rows}) == len(rows)
    assert [row[1:] for row in rows[40:80]] == [row[1:] for row in rows[:40]]


def test_each_kind_of_file_holds_the_same_numbers(tmp_path):
    lines, ill = random_lines((30, 4), 3)
    wanted = np.array([line.split(",") for line in lines], dtype=float)
    for suffix, write in table_writers().items():
        path = tmp_path / f"t{suffix}"
        write(path, lines, ill)
        table = tables.read_table(path)
        first = table.names.index("g0") if "g0" in table.names else 0
        numbers = table.numbers.toarray() if table.sparse else table.numbers
        np.testing.assert_array_equal(numbers[:, first : first + 4], wanted)
    with gzip.open(tmp_path / "t.tsv.gz", "rt") as file:
        assert next(file) == "sample\tg0\tg1\tg2\tg3\tstate\n"


@pytest.mark.slow
def test_it_prints_what_a_table_took(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks",
            "tables",
            "--gigabytes",
            "0.003",
            "--only",
            "predict",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    rows = [line.split(" | ") for line in done.stdout.splitlines() if "GB" in line]
    assert len(rows) == 6
    assert all(50 < float(row[-1].split()[0]) < 2000 for row in rows)  # MB
