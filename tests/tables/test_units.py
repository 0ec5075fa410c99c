"""Numbers with units and currencies: read where all are alike, refused where not, and compared with training."""

import numpy as np
import pytest

from twolayer import InputError, tables
from twolayer.tables import Encoder, EncodingReport, TableOptions
from twolayer.tables.units import split_unit


def dataset(path, words, sep=",", **options):
    rows = [f"{word}{sep}{k % 7}{sep}{k * k % 11}\n" for k, word in enumerate(words)]
    path.write_text(f"u{sep}a{sep}y\n" + "".join(rows), encoding="utf-8")
    return tables.read_dataset(TableOptions(str(path), ("y",), "regression", **options))


VALUES = [round(0.5 + 1.25 * k, 2) for k in range(60)]


@pytest.mark.parametrize(
    "form",
    [
        "${}",
        "{} mg",
        "{}mg",
        "€{}",
        "{} €",
        "USD {}",
        "{}°C",
        "{} mmol/L",
        "{} kg/m²",
        "-£{}",
        "{}h",
    ],
)
def test_numbers_of_one_unit_are_numbers_and_it_is_said(tmp_path, form):
    data = dataset(tmp_path / "t.csv", [form.format(v) for v in VALUES])
    sign = -1 if form.startswith("-") else 1
    np.testing.assert_allclose(data.table.column("u"), sign * np.array(VALUES))
    assert "u" in data.kinds.numbers
    assert any("the unit is left out" in note for note in data.notes)


def test_thousands_and_decimal_commas_within_units(tmp_path):
    words = [f"${v * 1000:,.2f}" for v in VALUES]
    table = dataset(tmp_path / "t.tsv", words, sep="|").table
    np.testing.assert_allclose(table.column("u"), np.array(VALUES) * 1000)
    commas = [f"{v:.2f} €".replace(".", ",") for v in VALUES]
    table = dataset(tmp_path / "t.csv", commas, sep=";").table
    np.testing.assert_allclose(table.column("u"), VALUES)


@pytest.mark.parametrize(
    "words",
    [
        [f"{v} {'mg' if k % 3 else 'g'}" for k, v in enumerate(VALUES)],
        [f"{v} mg" if k % 3 else f"{v}" for k, v in enumerate(VALUES)],
        [f"${k + 1},{100 + k}" for k in range(60)],
        [f"{'$' if k % 2 else '€'}{v}" for k, v in enumerate(VALUES)],
    ],
)
def test_other_units_in_one_column_are_refused(tmp_path, words):
    with pytest.raises(InputError, match=r"'u' holds numbers with units.*--drop 'u'"):
        dataset(tmp_path / "t.tsv", words, sep="|")


@pytest.mark.parametrize(
    "word", ["S01", "Q1", "T1a", "chr7", "A1", "1st", "3-4", "12", "1.2.3", "B12 x", "rs123"]
)
def test_codes_are_no_numbers_with_units(word):
    assert split_unit(word) is None


def test_another_unit_than_in_training_is_refused_and_none_is_warned_of(tmp_path):
    data = dataset(tmp_path / "t.csv", [f"{v} mg" for v in VALUES])
    encoder = Encoder.fit(data.table, data.kinds)
    again = Encoder.from_json(encoder.as_json(), len(encoder.features()), "model")
    other = dataset(tmp_path / "g.csv", [f"{v} g" for v in VALUES])
    with pytest.raises(InputError, match="'u' are in 'g', and in training they were in 'mg'"):
        again.encode(other.table)
    plain, report = dataset(tmp_path / "p.csv", VALUES), EncodingReport()
    again.encode(plain.table, report)
    assert report.sentences() == ["warning: 'u' has no unit, and was in mg in training"]


def test_a_model_keeps_what_means_no_value(tmp_path):
    words = [-999 if k % 5 == 0 else v for k, v in enumerate(VALUES)]
    options = TableOptions.of({"table": tmp_path / "t.csv", "target": "y", "na": ["-999"]})
    data = dataset(tmp_path / "t.csv", words, layout=options.layout)
    encoder = Encoder.fit(data.table, data.kinds)
    again = Encoder.from_json(encoder.as_json(), len(encoder.features()), "model")
    plain = dataset(tmp_path / "p.csv", words)
    np.testing.assert_array_equal(again.encode(plain.table), encoder.encode(data.table))
    assert again.encode(plain.table).min() >= 0
