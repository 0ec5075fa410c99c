"""Encoding at its edges: sparse tables, yes as what fills a gap, the order of categories; expected inputs by hand."""

import numpy as np
import pytest
import scipy.sparse

from twolayer import InputError, tables
from twolayer.tables import Encoder, EncodingReport, Table


def fitted(tmp_path, name, words):
    """The table of numbers and of these words, and what was learned from it."""
    rows = "".join(f"{i % 4}.5,{word}\n" for i, word in enumerate(words))
    (tmp_path / "t.csv").write_text(f"a,{name}\n{rows}")
    table = tables.read_table(tmp_path / "t.csv")
    return table, Encoder.fit(table, tables.column_kinds(table))


def test_a_gap_is_filled_with_what_is_most_frequent_be_it_yes(tmp_path):
    table, encoder = fitted(tmp_path, "ill", ["yes", "no", "yes", "NA"] * 3)
    assert encoder.features() == ["a", "ill", "ill is missing"]
    assert encoder.encode(table)[:4].tolist() == [
        [0.5, 1, 0],
        [1.5, 0, 0],
        [2.5, 1, 0],
        [3.5, 1, 1],
    ]
    _, encoder = fitted(tmp_path, "ill", ["no", "no", "yes", "NA"] * 3)
    assert encoder.booleans == {"ill": 0}


def test_every_column_has_a_median_of_its_own(tmp_path):
    """With gaps in training or without: 2 and 20 of (1, 2, 6) and (10, 20, 60); 300 of (100, 300, -)."""
    (tmp_path / "t.csv").write_text("a,b,c\n1,10,500\n2,20,100\n6,60,\n")
    table = tables.read_table(tmp_path / "t.csv")
    encoder = Encoder.fit(table, tables.column_kinds(table))
    (tmp_path / "new.csv").write_text("a,b,c\n,,\n7,,8\n")
    x = encoder.encode(tables.read_table(tmp_path / "new.csv"))
    assert x.tolist() == [[2, 20, 300, 1], [7, 20, 8, 0]]


def test_yes_and_no_may_be_1_and_0_elsewhere(tmp_path):
    _, encoder = fitted(tmp_path, "ill", ["yes", "no"] * 6)
    (tmp_path / "new.csv").write_text("a,ill\n0.5,1\n1.5,0\n2.5,TRUE\n3.5,n\n")
    x = encoder.encode(tables.read_table(tmp_path / "new.csv", encoder.texts))
    assert x.tolist() == [[0.5, 1], [1.5, 0], [2.5, 1], [3.5, 0]]


def test_categories_stand_in_order_behind_the_most_frequent(tmp_path):
    """Not in a set's order, which changes from run to run."""
    _, encoder = fitted(tmp_path, "organ", [*"hgfedcba", "skin", *"abcdefgh", "skin"])
    assert encoder.categories == {"organ": ["a", "b", "c", "d", "e", "f", "g", "h", "skin"]}
    _, encoder = fitted(tmp_path, "organ", [*"hgfedcba", "skin", *"abcdefg", "skin", "skin"])
    assert encoder.categories == {"organ": ["skin", "a", "b", "c", "d", "e", "f", "g", "h"]}


@pytest.mark.parametrize(("n_rows", "kind"), [(9, "categories"), (10, "ids")])
def test_of_fewer_than_ten_rows_nothing_is_concluded(tmp_path, n_rows, kind):
    (tmp_path / "t.csv").write_text("a,who\n" + "".join(f"{i % 4}.5,w{i}\n" for i in range(n_rows)))
    assert getattr(tables.column_kinds(tables.read_table(tmp_path / "t.csv")), kind) == ["who"]


def test_one_of_a_thing_is_told_as_one():
    found = EncodingReport()
    found.filled["age"] = 1
    found.unseen["organ"] = {"liver": 1}
    assert found.sentences() == [
        "1 missing value filled in, in 'age'",
        "1 row has a 'organ' that training did not have: 'liver'",
    ]


def sparse(rows):
    numbers = scipy.sparse.csr_array(np.array(rows, dtype=float))
    return Table("t.svm", [f"x{j + 1}" for j in range(numbers.shape[1])], numbers)


def test_sparse_columns_that_do_not_vary_are_left_out():
    """A column is the same in every row if its zeros, which are not stored, are among what it says."""
    table = sparse([[0, 5, 0, 2, -1], [3, 5, 0, 2, 0], [0, 5, 0, 0, 0]])
    encoder = Encoder.fit(table, tables.column_kinds(table))
    assert encoder.numbers == ["x1", "x4", "x5"]
    assert encoder.left_out == {
        "x2": "is 5 in every row of training",
        "x3": "is 0 in every row of training",
    }
    assert encoder.encode(table).toarray().tolist() == [[0, 2, -1], [3, 2, 0], [0, 0, 0]]
    assert Encoder.fit(table, tables.column_kinds(table), np.array([0, 1])).numbers == ["x1", "x5"]


@pytest.mark.parametrize(("bad", "said"), [(np.nan, "no value"), (np.inf, "inf, which is not")])
def test_a_sparse_table_has_no_gaps(bad, said):
    table = sparse([[0, 5], [3, 0]])
    encoder = Encoder.fit(table, tables.column_kinds(table))
    with pytest.raises(InputError, match=f"row 2 has {said}.* in column 'x1'"):
        encoder.encode(sparse([[0, 5], [bad, 0]]))


def test_a_category_never_breaks_the_line():
    found = EncodingReport()
    found.unseen["organ"] = {"liver\n\x1b[31m": 2}
    assert found.sentences() == [
        r"2 rows have a 'organ' that training did not have: 'liver\n\x1b[31m'"
    ]
