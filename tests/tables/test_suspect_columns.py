"""Texts that look like the names of patients, and targets that count the rows: planted, and not there."""

import numpy as np
import polars
import pytest

import twolayer as tl
from twolayer import tables
from twolayer.tables import TableOptions

RNG = np.random.default_rng(0)


@pytest.fixture
def said_of(tmp_path):
    """What is said about a table of these columns, beside one of noise."""

    def said_of(y, **columns):
        asked = {name: columns.pop(name) for name in ("groups", "categories") if name in columns}
        path = tmp_path / "t.csv"
        noise = RNG.normal(size=len(y)).round(3)
        polars.DataFrame({"noise": noise, **columns, "y": y}).write_csv(path)
        return tables.read_dataset(TableOptions(str(path), ("y",), **asked)).notes

    return said_of


def per_patient(n_patients, n_rows):
    """The patient of each row, and a class that all rows of a patient have."""
    patients = np.repeat([f"P{k:03}" for k in range(n_patients)], n_rows)
    return patients, np.repeat(np.where(RNG.permutation(n_patients) % 2, "ill", "well"), n_rows)


@pytest.mark.parametrize(("n_patients", "n_rows"), [(39, 3), (12, 2), (8, 10), (60, 4), (24, 12)])
def test_a_text_that_looks_like_a_patient_is_said(said_of, n_patients, n_rows):
    patient, y = per_patient(n_patients, n_rows)
    (line,) = said_of(y, patient=patient)
    assert line.startswith("warning: 'patient' looks like a group of rows, such as a patient: each")
    assert f"of its {n_patients} values stands in {n_rows} rows, always with the same 'y'" in line
    assert line.endswith("--groups 'patient'")  # left out, its rows would still be on both sides


def test_a_number_measured_once_per_patient(said_of):
    patient, _ = per_patient(20, 3)
    (line,) = said_of(np.repeat(RNG.normal(size=20).round(3), 3), patient=patient)
    assert "'patient' looks like a group" in line


def test_what_is_no_group_is_not_said(said_of):
    patient, y = per_patient(39, 3)
    assert said_of(y, patient=patient, groups="patient") == []
    assert said_of(np.roll(y, 1), patient=patient) == []  # the rows of a patient differ
    assert said_of(*per_patient(39, 3)[1:], kind=["a", "b", "c"] * 39) == []  # three values
    assert (
        said_of(["well"] * 58 + ["ill"] * 2, plate=np.repeat(list("abcdefghijklmnopqrst"), 3)) == []
    )
    some = np.repeat([f"P{k}" for k in range(6)], 2)
    assert said_of(["ill", "well"] * 6, patient=some) == []


def test_rare_classes_make_agreement_no_surprise(said_of):
    plate = np.repeat(list("abcdefghijklmnopqrst"), 3)
    assert said_of(["ill"] * 6 + ["well"] * 54, plate=plate) != []
    assert said_of(["ill"] + ["well"] * 11, plate=["a", *"bbccddeeffg"]) == []


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (RNG.permutation(30) + 1000101, True),
        (np.arange(30) * 2, False),
        (np.arange(30) + 0.5, False),
        ([*range(29), 3], False),
        (range(8), False),
    ],
)
def test_a_target_that_counts_the_rows_is_said(said_of, y, said):
    lines = said_of(list(y))
    assert bool(lines) == said
    if said:
        assert (
            "'y' is each whole number from 1000101 to 1000130 once, as if it named or coun"
            in lines[0]
        )


@pytest.mark.parametrize("name", ["patient", "x7"])
def test_a_patients_number_is_said(said_of, name):
    patients, y = per_patient(24, 10)
    number = 1000 + 17 * np.unique(patients, return_inverse=True)[1]
    (line,) = said_of(y, **{name: number})
    assert f"'{name}' looks like a group of rows" in line
    assert line.endswith(f"--groups '{name}'")


def test_a_measurement_in_whole_numbers_is_no_patient(said_of):
    """It tells the target by its order."""
    age = np.repeat(np.arange(30, 70), 4)
    assert said_of(np.where(age > 48, "ill", "well"), age=age) == []
    assert said_of(age * 3 + 0.5, age=age) == []


def test_repeated_rows_are_said(said_of):
    again = np.tile(np.arange(40), 2)
    a = RNG.normal(size=40).round(9)[again]
    y = np.array(["u", "v"])[RNG.integers(0, 2, 40)][again]
    (line,) = said_of(y, a=a, noise=a)
    assert line.startswith("warning: 40 of 80 rows repeat another row")
    assert said_of(y, a=a) == []  # the column beside it differs


def test_repeats_within_a_group_are_no_leak(said_of):
    again = np.repeat(np.arange(40), 2)
    a = RNG.normal(size=40).round(9)[again]
    patient = np.array([f"P{k}" for k in range(40)])[again]
    y = np.array(["u", "v"])[RNG.integers(0, 2, 40)][again]
    assert said_of(y, a=a, noise=a, patient=patient, groups="patient") == []


@pytest.mark.parametrize("kind", ["text", "number", "yes or no"])
def test_a_column_that_tells_the_target_is_said(said_of, kind):
    y = np.array(["ill", "well"])[RNG.integers(0, 2, 60)]
    batch = {"text": np.where(y == "ill", "A", "B"), "number": np.where(y == "ill", 3, 8)}
    (line,) = said_of(y, batch=batch.get(kind, np.where(y == "ill", "yes", "no")))
    assert line.startswith("warning: 'batch' tells the target by itself")


def test_groups_that_are_the_classes_are_refused(said_of):
    y = np.array(["ill", "well"])[RNG.integers(0, 2, 60)]
    batch = np.where(y == "ill", "A", "B")
    with pytest.raises(
        tl.InputError,
        match=r"the groups 'batch' and the target 'y' are the same rows \(A: ill, B: well",
    ):
        said_of(y, batch=batch, groups="batch")
    said_of(y, batch=np.where(np.arange(60) % 7, batch, "C"), groups="batch")
