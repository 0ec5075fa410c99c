"""Labels of classes are written as they stand in the file: a code such as 01 is not the number 1."""

import numpy as np
import openpyxl
import pytest

from twolayer import InputError, tables
from twolayer.tables import TableOptions


def target_of(folder, words, **options):
    path = folder / "t.csv"
    path.write_text("a,y\n" + "".join(f"{k}.5,{word}\n" for k, word in enumerate(words)))
    return tables.read_dataset(TableOptions(str(path), ("y",), **options)).target


@pytest.mark.parametrize(
    ("words", "labels"),
    [
        (["01", "02"], ["01", "02"]),
        (["007", "012"], ["007", "012"]),
        (["01", "1"], ["01", "1"]),
        (["-01", "01"], ["-01", "01"]),
        (["1.0", "2.0"], ["1.0", "2.0"]),
        (["0.0", "1"], ["0.0", "1"]),
        (["1e3", "2e3"], ["1e3", "2e3"]),
        (["+1", "-1"], ["+1", "-1"]),
        (["1", "2"], [1, 2]),
        (["0", "10"], [0, 10]),
        (["1", "1.0", "2", "2.0"], [1, 2]),
        (["10%", "20%"], [10, 20]),
        (["5 mg", "10 mg"], [5, 10]),
    ],
)
def test_labels_stand_as_in_the_file(tmp_path, words, labels):
    target = target_of(tmp_path, words * 12, task="classification")
    values = np.unique(target.values).tolist()
    assert sorted(values, key=str) == sorted(labels, key=str)
    assert target_of(tmp_path, words * 12).task == "classification"


@pytest.mark.parametrize(("words", "name"), [(["1", "1.0"], "1"), (["1e3", "1000"], "1000")])
def test_two_spellings_of_one_number_are_one_class(tmp_path, words, name):
    with pytest.raises(InputError, match=f"column 'y' is '{name}' in every row"):
        target_of(tmp_path, words * 12)


def test_many_codes_are_still_numbers_unless_said(tmp_path):
    codes = [f"{k:03}" for k in range(60)]
    assert target_of(tmp_path, codes).task == "regression"
    assert target_of(tmp_path, codes * 2, task="classification").values[7] == "007"


def test_cells_of_text_keep_their_zeros(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["who", "a", "y"])
    for k in range(24):
        book.active.append([f"{k // 2:03}", k + 0.5, f"0{k % 2 + 1}"])
    book.save(tmp_path / "t.xlsx")
    data = tables.read_dataset(TableOptions(str(tmp_path / "t.xlsx"), ("y",), groups="who"))
    assert data.target.values[:2].tolist() == ["01", "02"]
    assert data.groups[-1] == "011"
