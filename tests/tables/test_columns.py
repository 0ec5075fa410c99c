"""What columns are taken for, and their encoding; expected inputs are written out by hand."""

import json

import numpy as np
import polars
import pytest

from twolayer import FileError, InputError, tables
from twolayer.tables import Encoder, EncodingReport


def table_of(tmp_path, columns, name="t.csv"):
    path = tmp_path / name
    polars.DataFrame(columns, strict=False).write_csv(path)
    return tables.read_table(path)


def kinds_of(tmp_path, values, name="c", **more):
    found = tables.column_kinds(
        table_of(tmp_path, {"other": [0.5, 2.5] * (len(values) // 2), name: values}), **more
    )
    for kind in ("numbers", "booleans", "categories", "ids"):
        if name in getattr(found, kind):
            return kind
    return found.left_out[name]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, 2.5] * 10, "numbers"),
        (["1.5", ""] * 10, "numbers"),
        (["1.5", "NA"] * 10, "numbers"),
        (["yes", "no"] * 10, "booleans"),
        (["Yes", "NO"] * 10, "booleans"),
        (["TRUE", "false"] * 10, "booleans"),
        (["T", "?"] * 10, "booleans"),
        (["red", "blue"] * 10, "categories"),
        (["red", ""] * 10, "categories"),
        ([f"name {i}" for i in range(20)], "ids"),
        (list(range(20)), "numbers"),  # another column's row number would be its own affair
        (["", "NA"] * 10, "holds no value"),
        ([f"text {i // 2}" for i in range(20)], "categories"),
        ([f"text {i * 3 // 4}" for i in range(20)], "holds 15 different texts"),
        ([f"text {i // 2}" for i in range(120)], "holds 60 different texts"),
    ],
)
def test_kinds(tmp_path, values, kind):
    assert kinds_of(tmp_path, values) == kind


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("sample_id", [7, 3, 1, 9, 4, 8, 2, 6, 5, 0], "ids"),
        ("ID", range(100, 110), "ids"),
        ("id", [7, 3, 1, 9, 4, 8, 2, 6, 5, 5], "numbers"),
        ("lipid", [7, 3, 1, 9, 4, 8, 2, 6, 5, 0], "numbers"),
    ],
)
def test_row_names_that_are_numbers(tmp_path, name, values, kind):
    assert kinds_of(tmp_path, list(values), name) == kind


def test_a_first_column_that_counts_the_rows(tmp_path):
    for first, expected in ((range(5, 25), ["n"]), (range(0, 40, 2), [])):
        table = table_of(tmp_path, {"n": list(first), "a": [0.5, 1.5] * 10})
        assert tables.column_kinds(table).ids == expected


def test_a_column_can_be_said_to_hold_categories(tmp_path):
    assert kinds_of(tmp_path, [1, 2] * 10, categories=["c"]) == "categories"
    assert kinds_of(tmp_path, ["1", "x"] * 10, categories=["c"]) == "categories"


@pytest.mark.parametrize(
    "date",
    ["2021-03-04", "2021/3/4", "4.3.2021", "03/04/21", "2021-03-04 10:30", "2021-03-04T10:30:00Z", "4 Mar 2021",
     "04-March-21", "Mar 4, 2021"],
)  # fmt: skip
def test_dates_are_refused_with_advice(tmp_path, date):
    table = table_of(tmp_path, {"a": [1, 2] * 6, "visit": [date] * 11 + [""]})
    with pytest.raises(InputError, match=r"column 'visit' holds dates, such as .*--drop 'visit'"):
        tables.column_kinds(table)
    assert tables.column_kinds(table, skip=["visit"]).numbers == ["a"]


def test_numbers_and_text_together_are_refused(tmp_path):
    table = table_of(tmp_path, {"a": ["1", "2", "n.d.", "4", "<0.1"]})
    with pytest.raises(
        InputError,
        match=r"'a' holds numbers but for 'n.d.' in line 4 \(2 such fields\).*--category 'a'",
    ):
        tables.column_kinds(table)
    table = table_of(tmp_path, {"a": ["1", "2", "3,5", "4"]})
    with pytest.raises(InputError, match="write decimals with a point"):
        tables.column_kinds(table)
    table = table_of(tmp_path, {"a": ["1", "2", "1.234,5", "4"]})
    with pytest.raises(InputError, match="line 4: write decimals with a point, or leave such fie"):
        tables.column_kinds(table)


COLUMNS = {
    "sample": [f"s{i}" for i in range(12)],
    "age": [30, None, 50, 40, 30, 20, 70, 80, 90, 60, 40, 30],
    "height": [1.5, 1.75] * 6,
    "smoker": ["yes", "no", None, "no"] * 3,
    "tissue": ["skin", "lung", "skin"] * 4,
    "same": [3] * 12,
    "void": [None] * 12,
}
TRAIN = np.arange(6)  # ages 30, -, 50, 40, 30, 20: median 30


def fitted(tmp_path, rows=TRAIN):
    table = table_of(tmp_path, COLUMNS)
    return table, Encoder.fit(table, tables.column_kinds(table), rows)


def test_encoding_by_hand(tmp_path):
    table, encoder = fitted(tmp_path)
    assert encoder.features() == [
        "age", "height", "smoker", "tissue=skin", "tissue=lung", "age is missing", "smoker is missing",
    ]  # fmt: skip
    found = EncodingReport()
    x = encoder.encode(table, found)
    assert x[:3].tolist() == [
        [30, 1.5, 1, 1, 0, 0, 0],
        [30, 1.75, 0, 0, 1, 1, 0],
        [50, 1.5, 0, 1, 0, 0, 1],
    ]
    assert found.filled == {"age": 1, "smoker": 3}
    assert encoder.ids == ["sample"]
    assert encoder.left_out == {"void": "holds no value", "same": "is 3 in every row of training"}
    assert "4 missing values filled in, in 'age', 'smoker'" in found.sentences()


def test_only_the_rows_of_training_are_learned_from(tmp_path):
    _, encoder = fitted(tmp_path)
    changed = {name: list(values) for name, values in COLUMNS.items()}
    changed["age"][6:] = [1e6] * 6
    changed["tissue"][6:] = ["brain"] * 6
    table = table_of(tmp_path, changed)
    again = Encoder.fit(table, tables.column_kinds(table), TRAIN)
    assert again.as_json() == encoder.as_json()
    found = EncodingReport()
    assert again.encode(table, found)[6:, 3:5].tolist() == [[0, 0]] * 6
    assert found.unseen == {"tissue": {"brain": 6}}
    assert found.sentences()[-1] == "6 rows have a 'tissue' that training did not have: 'brain'"


def test_of_very_many_unseen_categories_the_first_are_kept_by_name():
    """So that a column that has become an id does not fill the memory of a command that reads block by block."""
    found = tables.EncodingReport()
    for block in range(3):
        for i in range(1000):
            found.count_unseen("tissue", f"t{i + 700 * block}")
    assert len(found.unseen["tissue"]) == 1001
    assert found.unseen["tissue"]["t999"] == 2
    assert found.unseen["tissue"]["others"] == 3000 - 1000 - 300
    assert found.sentences() == [
        "3,000 rows have a 'tissue' that training did not have: 't0', 't1', 't2', 't3', 't4' and 996 more"
    ]


def test_a_gap_where_training_had_none_is_filled_without_a_mark(tmp_path):
    _, encoder = fitted(tmp_path)
    gap = {
        **COLUMNS,
        "height": [None, *COLUMNS["height"][1:]],
        "tissue": [None, *COLUMNS["tissue"][1:]],
    }
    x = encoder.encode(table_of(tmp_path, gap))
    assert x[0].tolist() == [
        30,
        1.625,
        1,
        1,
        0,
        0,
        0,
    ]  # half-way from 1.5 to 1.75; skin is most frequent


def test_columns_in_another_order_and_more_of_them(tmp_path):
    table, encoder = fitted(tmp_path)
    turned = table_of(
        tmp_path, {"new": ["?"] * 12, **dict(reversed(COLUMNS.items()))}, "turned.csv"
    )
    np.testing.assert_array_equal(encoder.encode(turned), encoder.encode(table))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"age": ["x"] + [1] * 11}, "column 'age' holds text, for example 'x' in line 2"),
        (
            {"age": ["inf"] + [1] * 11},
            "line 2 has inf, which is not a finite number, in column 'age'",
        ),
        (
            {"smoker": ["maybe"] * 12},
            "column 'smoker' holds 'maybe' in line 2, where training had yes or no",
        ),
    ],
)
def test_what_cannot_be_encoded(tmp_path, change, message):
    _, encoder = fitted(tmp_path)
    with pytest.raises(InputError, match=message):
        encoder.encode(table_of(tmp_path, {**COLUMNS, **change}))


def test_columns_that_are_not_there(tmp_path):
    _, encoder = fitted(tmp_path)
    columns = {name: values for name, values in COLUMNS.items() if name not in ("age", "tissue")}
    with pytest.raises(
        InputError, match=r"lacks 2 of the 4 columns .*: 'age', 'tissue'; did you mean 'Age'"
    ):
        encoder.encode(table_of(tmp_path, {**columns, "Age": [1] * 12}))


def test_through_json_and_back(tmp_path):
    table, encoder = fitted(tmp_path)
    text = json.dumps(encoder.as_json(), allow_nan=False)
    again = Encoder.from_json(json.loads(text), 7, "m.safetensors")
    np.testing.assert_array_equal(again.encode(table), encoder.encode(table))
    assert again.as_json() == encoder.as_json()


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: value.pop("medians"),
        lambda value: value["medians"].append(1.0),
        lambda value: value.update(medians=["x", "y"]),
        lambda value: value.update(medians=[float("nan"), 1.0]),
        lambda value: value.update(numbers=["age", "age"]),
        lambda value: value.update(numbers="age"),
        lambda value: value.update(ids="id"),
        lambda value: value.update(booleans={"smoker": 7}),
        lambda value: value.update(categories={"tissue": [1, 2]}),
        lambda value: value.update(categories=3),
        lambda value: value.update(marked=["nobody"]),
        lambda value: value["categories"]["tissue"].append("bone"),
    ],
)
def test_a_damaged_encoder_is_refused(tmp_path, damage):
    _, encoder = fitted(tmp_path)
    value = json.loads(json.dumps(encoder.as_json()))
    damage(value)
    with pytest.raises(FileError, match="cannot be read as a model: its columns"):
        Encoder.from_json(value, 7, "m.safetensors")


def test_names_that_would_be_twice(tmp_path):
    table = table_of(tmp_path, {"c=x": [1.5, 2.5] * 6, "c": ["x", "y"] * 6})
    names = Encoder.fit(table, tables.column_kinds(table)).features()
    assert len(set(names)) == 3
