"""Rows with known classes beside a model: a class is known by its name, and a number by its value where that is clear."""

import numpy as np
import pytest

import twolayer as tl
from twolayer import InputError
from twolayer.saving.labelled_rows import class_column
from twolayer.saving.saved_model import open_model
from twolayer.tables import Table


@pytest.mark.parametrize(
    ("classes", "words", "found"),
    [
        (["01", "02"], ["02", "01", "2"], ["02", "01", "02"]),
        (["01", "1"], ["1", "01"], ["1", "01"]),
        ([1, 2], ["2.0", "01"], [2, 1]),
    ],
)
def test_classes_are_known_by_name_and_by_number(tmp_path, classes, words, found):
    model, table = model_and_table(tmp_path, classes, words)
    assert class_column(model, table, "y").tolist() == found


def test_a_number_that_two_classes_have_is_neither(tmp_path):
    model, table = model_and_table(tmp_path, ["01", "1"], ["1.0"])
    with pytest.raises(InputError, match=r"'1\.0' in column 'y', which is no class"):
        class_column(model, table, "y")


def model_and_table(folder, classes, words):
    y = np.array(classes)[np.arange(12) % 2]
    model = tl.TwoLayerClassifier(2, alpha=1.0, n_networks=1, max_iter=2)
    tl.save(model.fit(np.arange(12.0)[:, None], y), folder / "m.safetensors")
    table = Table("t.csv", ["y"], np.full((len(words), 1), np.nan), {"y": words})
    return open_model(folder / "m.safetensors"), table
