"""A table's fields as text: expected values are how Python writes the same numbers."""

import numpy as np
import pytest

from twolayer import tables
from twolayer.tables.table import number_advice, number_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.nan, ""),
        (0.0, "0"),
        (-3.0, "-3"),
        (1234567.0, "1234567"),
        (9007199254740991.0, "9007199254740991"),  # 2**53 - 1, the last whole number that is sure
        (9007199254740992.0, "9007199254740992.0"),
        (1e300, "1e+300"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (np.inf, "inf"),
    ],
)
def test_numbers_as_text(value, text):
    assert number_text(value) == text


def test_names_that_are_numbers_are_found_by_their_words(tmp_path):
    """Sample 100200 of one file is sample 100200 of the other, be it a number or a text there."""
    (tmp_path / "x.csv").write_text("sample,a\n100200,1.5\n100300,2.5\n")
    (tmp_path / "y.csv").write_text("sample,y\n100300,u\nhealthy,v\n100200,w\n")
    asked = tables.TableOptions(
        str(tmp_path / "x.csv"), ("y",), labels=str(tmp_path / "y.csv"), id="sample"
    )
    table, said = tables.requested_table(asked)
    assert table.words("y") == ["w", "u"]
    assert said[0].endswith("left out: 'healthy'")


def test_some_rows_keep_their_lines_and_words(tmp_path):
    (tmp_path / "t.csv").write_text("a,kind\n1,x\n2,y\n3,z\n")
    some = tables.read_table(tmp_path / "t.csv", ["kind"]).rows(np.array([2, 0]))
    assert (some.where(0), some.where(1)) == ("line 4", "line 2")
    assert some.words("kind") == ["z", "x"]
    assert some.words("a") == ["3", "1"]


def test_a_name_over_two_lines_is_one_of_two_words(tmp_path):
    (tmp_path / "t.csv").write_text('"tumour\n  size",b\n1,2\n')
    assert tables.read_table(tmp_path / "t.csv").names == ["tumour size", "b"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("3,5", "write decimals with a point"),
        ("-0,25", "write decimals with a point"),
        ("1,234,567", "encode it as numbers or leave that column out"),
        ("low", "encode it as numbers or leave that column out"),
        ("a,b", "encode it as numbers or leave that column out"),
    ],
)
def test_what_to_do_about_a_text(text, hint):
    assert number_advice(text) == hint
