"""Batches and other columns that tell the class, and codes for no value: planted, and not there."""

import numpy as np
import polars
import pytest
from sklearn.model_selection import LeaveOneOut

from twolayer import tables
from twolayer.errors import InputError
from twolayer.evaluation.nested_folds import nested_shortage
from twolayer.evaluation.splits import train_test_rows
from twolayer.tables import TableOptions
from twolayer.tables.telling_columns import left_out_shares

RNG = np.random.default_rng(0)
TYPES = np.array(["Basal", "LumA", "LumB"])[RNG.choice(3, 80, p=[0.3, 0.45, 0.25])]


@pytest.fixture
def told_of(tmp_path):
    """The leaks, and the other notes, of a table of these columns beside one of noise."""

    def told_of(y, **columns):
        noise = RNG.normal(size=len(y)).round(3)
        polars.DataFrame({"noise": noise, **columns, "y": y}, strict=False).write_csv(
            tmp_path / "t.csv"
        )
        found = tables.read_dataset(TableOptions(str(tmp_path / "t.csv"), ("y",)))
        return found.leaks, found.notes

    return told_of


def mostly(values, share=0.9):
    """The values, but in some rows others of them."""
    others = RNG.permutation(values)
    return np.where(RNG.random(len(values)) < share, values, others)


@pytest.mark.parametrize("kind", ["text", "number"])
def test_a_batch_that_is_mostly_the_class_is_warned_of(told_of, kind):
    run = {"Basal": "r1", "LumA": "r2", "LumB": "r3"}
    if kind == "number":
        run = {"Basal": 4, "LumA": 2, "LumB": 7}
    ((line,), _) = told_of(TYPES, run=mostly(np.array([run[name] for name in TYPES])))
    assert line.startswith("warning: 'run' alone is right on ")
    assert "--groups 'run'" in line


def test_a_batch_that_is_one_class_is_warned_of(told_of):
    batch = np.where(TYPES == "Basal", "b1", np.where(RNG.random(80) < 0.5, "b2", "b3"))
    ((line,), _) = told_of(TYPES, batch=batch)
    assert "'batch' alone is right on" in line
    rare = np.where(np.arange(80) < 8, "rare", np.where(RNG.random(80) < 0.5, "u", "v"))
    batch = np.where(rare == "rare", "b1", np.where(RNG.random(80) < 0.5, "b2", "b3"))
    ((line,), _) = told_of(rare, batch=batch)
    assert "the rows of class 'rare' are just those with 'b1' in 'batch'" in line


def test_a_good_predictor_is_a_fact_in_one_line_and_no_leak(told_of):
    names = {"Basal": "low", "LumA": "mid", "LumB": "high"}
    grade = np.array([names[name] for name in TYPES])
    leaks, notes = told_of(TYPES, grade=mostly(grade), stage=mostly(grade, 0.85))
    assert leaks == []
    (line,) = [note for note in notes if "alone is right" in note]
    assert line.startswith("'grade' alone is right on ")
    assert line.endswith(": is it known before the class is?; so are 'stage' nearly")


def test_columns_that_tell_little_are_not_told(told_of):
    two = np.where(RNG.random(80) < 0.5, "ill", "well")
    columns = {
        "run": RNG.permutation(mostly(TYPES)),
        "sex": mostly(np.where(two == "ill", "f", "m"), 0.6),
        "site": RNG.choice([f"s{k}" for k in range(20)], 80),
    }
    for y in (TYPES, two, ["a"] * 76 + ["b"] * 4):
        leaks, notes = told_of(y, **columns)
        assert not leaks
        assert not [note for note in notes if "alone" in note or "just those" in note]


def test_shares_are_those_of_rows_left_out():
    values, codes = RNG.integers(-1, 6, 50), RNG.integers(0, 3, 50)
    told = guessed = 0
    for train, (row,) in LeaveOneOut().split(codes):
        every = np.bincount(codes[train], minlength=3)
        own = np.bincount(codes[train][values[train] == values[row]], minlength=3)
        told += (own if own.any() else every).argmax() == codes[row]
        guessed += every.argmax() == codes[row]
    assert left_out_shares(values, codes) == (told / 50, guessed / 50)


@pytest.mark.parametrize("other", ["basal", "BASAL", "Bas al", "Bas_al", "bas-al"])
def test_classes_spelled_in_two_ways_are_warned_of(told_of, other):
    y = np.where(np.arange(80) % 5 == 0, TYPES, np.where(TYPES == "Basal", other, TYPES))
    _, notes = told_of(y)
    (line,) = [note for note in notes if "differ in case" in note]
    assert "'Basal' (" in line
    assert f"'{other}' (" in line
    _, notes = told_of(np.where(TYPES == "LumA", "HER2+", "HER2-"))
    assert notes == []


def test_a_class_of_one_row_with_a_twin_is_told_its_twin():
    y = TYPES.copy()
    y[np.flatnonzero(y == "Basal")[0]] = "basal"
    with pytest.raises(
        InputError, match=r"'basal' .* has one row only: .* Write it as 'Basal', which"
    ):
        train_test_rows(y, 0.25, 0, classifies=True)
    shortage = nested_shortage(y, 5, classifies=True)
    assert shortage.advice[0] == "write it as 'Basal', which is another class, if they are one"


@pytest.mark.parametrize("code", [-999, -9999, 9999, -99])
def test_codes_for_no_value_are_warned_of(told_of, code):
    genes = {f"g{j}": RNG.normal(8, 1, 80).round(3) for j in range(5)}
    for j in range(3):
        genes[f"g{j}"][[4 + j, 9]] = code
    _, notes = told_of(TYPES, **genes)
    (line,) = [note for note in notes if "--na" in note]
    assert line.startswith(
        f"warning: 6 values are {code}, far from all others of the column, in 'g0', 'g1', 'g2'"
    )
    assert line.endswith(f"Then say --na {code}")


def test_numbers_that_are_no_codes_are_not_warned_of(told_of):
    wide = {f"g{j}": RNG.normal(0, 900, 80).round() for j in range(5)}
    wide["g1"][3] = wide["g2"][4] = -999
    once = {"a": np.r_[-999, RNG.normal(8, 1, 79)]}
    same = {"b": np.r_[[99] * 40, [98] * 40], "c": np.r_[[99] * 40, [0] * 40]}
    for columns in (wide, once, same):
        assert not [note for note in told_of(TYPES, **columns)[1] if "--na" in note]
