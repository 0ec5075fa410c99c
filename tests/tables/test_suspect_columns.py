"""Texts that look like the names of patients, and targets that count the rows: planted, and not there."""

import numpy as np
import polars
import pytest

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


@pytest.mark.parametrize(("n_patients", "n_rows"), [(39, 3), (12, 2), (8, 10), (60, 4)])
def test_a_text_that_looks_like_a_patient_is_said(said_of, n_patients, n_rows):
    patient, y = per_patient(n_patients, n_rows)
    (line,) = said_of(y, patient=patient)
    assert line.startswith("warning: 'patient' looks like a group of rows, such as a patient: each")
    assert f"of its {n_patients} values stands in {n_rows} rows, always with the same 'y'" in line
    assert "--groups 'patient'" in line
    assert ("--drop 'patient'" in line) == (n_patients <= 50)  # more are left out as they are


def test_a_number_measured_once_per_patient(said_of):
    patient, _ = per_patient(20, 3)
    (line,) = said_of(np.repeat(RNG.normal(size=20).round(3), 3), patient=patient)
    assert "'patient' looks like a group" in line


def test_what_is_no_group_is_not_said(said_of):
    patient, y = per_patient(39, 3)
    assert said_of(y, patient=patient, groups="patient") == []
    assert said_of(np.roll(y, 1), patient=patient) == []  # the rows of a patient differ
    assert said_of(*per_patient(39, 3)[1:], kind=["a", "b", "c"] * 39) == []  # three values
    few, classes = per_patient(6, 12)
    assert said_of(classes, hospital=few) == []  # many rows of each
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
