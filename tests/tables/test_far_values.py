"""A target that is far from all others is named, by quartiles and only where it outweighs the other rows."""

import numpy as np
import pytest

from twolayer import tables
from twolayer.tables import TableOptions
from twolayer.tables.far_values import far_rows, far_target_warnings
from twolayer.tables.table import Table

NORMAL = np.random.default_rng(0).normal(size=60)


def with_values(y, **values):
    y = y.copy()
    y[[int(place[1:]) for place in values]] = list(values.values())
    return y


@pytest.mark.parametrize(
    ("y", "far"),
    [
        (NORMAL, []),
        (with_values(NORMAL, r3=1e4), [3]),
        (with_values(NORMAL, r3=-40), [3]),
        (with_values(NORMAL, r3=9999, r17=9999), [3, 17]),
        (with_values(NORMAL, r3=1e4, r17=-300), [3]),
        (with_values(NORMAL, r3=8), []),
        (with_values(np.repeat(NORMAL, 300), r3=45), []),  # 2,000 of 20,000: the others count
        (np.exp(2 * NORMAL), []),  # a long tail has no gap
        (np.where(np.arange(60) == 3, 1.0, 0.0), []),  # a rare event: there is no usual distance
        (np.ones(60), []),
        (np.array([1.0, 2, 3, 1000]), []),
    ],
)
def test_rows_far_from_all_others(y, far):
    assert far_rows(y).tolist() == far


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e90])
def test_units_do_not_matter(scale):
    assert far_rows(with_values(NORMAL, r3=1e4) * scale).tolist() == [3]


def test_rows_of_weight_0_do_not_count():
    table = Table("t.csv", ["y"], NORMAL[:, None])
    y, weights = with_values(NORMAL, r3=1e4), np.ones(60)
    assert "10000 in row 4, far from" in far_target_warnings(table, ["y"], y, (), weights)[0]
    weights[3] = 0
    assert far_target_warnings(table, ["y"], y, (), weights) == []


@pytest.mark.parametrize("named", [True, False])
def test_the_row_is_named_with_its_value(tmp_path, named):
    y = with_values(NORMAL, r3=1e4)
    head, first = ("who,", "S{},") if named else ("", "")
    lines = [f"{first.format(k)}{k % 7}.5,{value}\n" for k, value in enumerate(y)]
    (tmp_path / "t.csv").write_text(f"{head}a,y\n" + "".join(lines))
    notes = tables.read_dataset(TableOptions(str(tmp_path / "t.csv"), ("y",))).notes
    (told,) = [note for note in notes if "far from all others" in note]
    place = "row 'S3'" if named else "line 5"
    assert told.startswith(f"warning: the target 'y' is 10000 in {place}, far from all others (")
    low, high = np.delete(y, 3).min(), np.delete(y, 3).max()
    assert f"({low:.4g} to {high:.4g})" in told


def test_of_several_targets_the_one_is_named():
    table = Table("t.csv", ["y", "z"], np.zeros((60, 2)))
    both = np.stack([NORMAL, with_values(NORMAL, r59=-1e4)], axis=1)
    (told,) = far_target_warnings(table, ["y", "z"], both)
    assert told.startswith("warning: the target 'z' is -10000 in row 60, far")


def inputs_told(tmp_path, columns, **more):
    names = [f"x{j}" for j in range(len(columns))]
    rows = zip([f"S{k}" for k in range(60)], NORMAL, *columns, strict=True)
    text = "\n".join(",".join(map(str, row)) for row in rows)
    (tmp_path / "t.csv").write_text(f"who,y,{','.join(names)}\n{text}\n")
    notes = tables.read_dataset(TableOptions(str(tmp_path / "t.csv"), ("y",), **more)).notes
    return [note for note in notes if "far from all others" in note]


def test_an_input_that_is_far_from_all_others_is_named_with_its_row(tmp_path):
    far = with_values(NORMAL + 5, r3=999_999)
    (told,) = inputs_told(tmp_path, [NORMAL, far, np.exp(2 * NORMAL), np.arange(60) == 3])
    assert "'x1' is 999999 in row 'S3' (" in told
    assert all(f"'{name}'" not in told for name in ("x0", "x2", "x3"))


def test_gaps_and_codes_for_no_value_are_no_far_inputs(tmp_path):
    gaps = NORMAL.astype(object)
    gaps[[5, 9]] = ""
    coded = [with_values(NORMAL, r3=-999, r8=-999, r9=-999), gaps]
    (told,) = inputs_told(tmp_path, coded)
    assert "does it stand for no value?" in told


def test_many_far_inputs_are_one_line(tmp_path):
    columns = [with_values(NORMAL, r4=1e6 + j) for j in range(9)]
    (told,) = inputs_told(tmp_path, columns)
    assert "'x2'" in told
    assert "'x5'" not in told
    assert "6 more" in told
