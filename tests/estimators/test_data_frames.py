"""Frames of pandas and polars: what is a number is taken, whatever its type; what is none is named in one sentence."""

import datetime

import numpy as np
import pandas
import polars
import pytest

import twolayer as tl

N = 24
A = np.random.default_rng(0).standard_normal(N)
B = np.arange(N) % 3 == 0
ONES = (np.arange(N) % 4 + 1).tolist()
DAY = datetime.date(2021, 3, 4)
FRAMES = {"pandas": pandas.DataFrame, "polars": polars.DataFrame}


def model(**more):
    settings = {"alpha": 1.0, "max_iter": 4, "n_networks": 1, "random_state": 0, **more}
    return tl.TwoLayerRegressor(3, **settings)


def said(error):
    """What an error says, which is one line."""
    assert "\n" not in str(error.value)
    return str(error.value)


NUMBERS = {
    "Int64": lambda: pandas.array(ONES, dtype="Int64"),
    "Float32": lambda: pandas.array(ONES, dtype="Float32"),
    "UInt8": lambda: pandas.array(ONES, dtype="UInt8"),
    "categories": lambda: pandas.Categorical(ONES),
    "text": lambda: pandas.array([str(one) for one in ONES], dtype="string"),
    "objects": lambda: np.array(ONES, dtype=object),
    "polars": lambda: polars.Series(ONES, dtype=polars.UInt16),
    "decimal": lambda: polars.Series(ONES).cast(polars.Decimal(10, 2)),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_any_type_are_the_same_numbers(name):
    make = FRAMES["polars" if name in ("polars", "decimal") else "pandas"]
    frame = make({"a": A, "c": NUMBERS[name]()})
    expected = model().fit(np.column_stack([A, ONES]), A)
    found = model().fit(frame, A)
    assert np.array_equal(found.w1_, expected.w1_)
    assert np.array_equal(found.predict(frame), expected.predict(np.column_stack([A, ONES])))


@pytest.mark.parametrize(
    "frame",
    [
        pandas.DataFrame({"a": A, "c": pandas.array(B, dtype="boolean")}),
        polars.DataFrame({"a": A, "c": B}),
    ],
)
def test_booleans_are_ones_and_noughts(frame):
    expected = model().fit(np.column_stack([A, B]), A)
    assert np.array_equal(model().fit(frame, A).w1_, expected.w1_)


def with_gap(values, dtype):
    return pandas.array([None, *values[1:]], dtype=dtype)


@pytest.mark.parametrize(
    "column",
    [
        with_gap(ONES, "Int64"),
        with_gap(ONES, "Float64"),
        with_gap(B.tolist(), "boolean"),
        with_gap([str(one) for one in ONES], "string"),
        pandas.Categorical([None, *ONES[1:]]),
        np.array([None, *ONES[1:]], dtype=object),
        np.array([pandas.NA, *ONES[1:]], dtype=object),
    ],
)
def test_gaps_are_told_as_gaps(column):
    frame = pandas.DataFrame({"a": A, "c": column})
    with pytest.raises(tl.InputError) as error:
        model().fit(frame, A)
    assert "NaN or infinite: 1 of them, in column 'c'. Fill" in said(error)
    assert frame["c"].isna().tolist() == [True] + [False] * (N - 1)  # as it was


@pytest.mark.parametrize(
    ("make", "column", "message"),
    [
        ("pandas", pandas.Categorical(["x", "y"] * 12), "X holds text in column 'c' (such as 'x'): "),
        ("pandas", pandas.array([None, *"xy" * 11, "z"], dtype="string"), "text in column 'c' (such as 'x')"),
        ("polars", polars.Series(["x", "y"] * 12, dtype=polars.Categorical), "text in column 'c'"),
        ("polars", polars.Series(["x", "y"] * 12, dtype=polars.Enum(["x", "y"])), "text in column 'c'"),
        ("pandas", pandas.to_datetime([None, *[DAY] * 23]), "dates or times in column 'c' (such as '2021-03-04')"),
        ("pandas", pandas.to_datetime([DAY] * 24).tz_localize("UTC"), "dates or times in column 'c'"),
        ("pandas", np.array([DAY] * 24, dtype=object), "dates or times in column 'c' (such as '2021-03-04')"),
        ("pandas", pandas.to_timedelta(ONES, "D"), "dates or times in column 'c' (such as '"),
        ("polars", polars.Series([DAY] * 24), "dates or times in column 'c' (such as '2021-03-04')"),
        ("pandas", np.array(ONES) * 1j, "complex numbers in column 'c' (such as 1j)"),
        ("pandas", [[1]] * 24, "objects that are not numbers in column 'c' (such as [1])"),
        ("polars", polars.Series([[1, 2]] * 24), "objects that are not numbers in column 'c'"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_named(make, column, message):
    frame = FRAMES[make]({"a": A, "c": column})
    with pytest.raises(tl.InputError) as error:
        model().fit(frame, A)
    assert message in said(error)
    assert "or leave it out" in said(error)
    fitted = model().fit(np.column_stack([A, ONES]), A)
    with pytest.raises(tl.InputError) as error:
        fitted.predict(frame)
    assert message in said(error)


@pytest.mark.parametrize("make", FRAMES)
def test_columns_are_held_to_those_of_the_fit(make):
    frame = FRAMES[make]
    columns = {"age": A, "size": A**2, "dose": A**3}
    fitted = model(solver="adam").fit(frame(columns), A)

    def refused(**given):
        begun = model(solver="adam").partial_fit(frame(columns), A)
        with pytest.raises(tl.InputError) as there:
            begun.partial_fit(frame(given), A)
        with pytest.raises(tl.InputError) as error:
            fitted.predict(frame(given))
        assert said(error) == said(there)
        return said(error)

    turned = {"dose": A**3, "age": A, "size": A**2}
    assert refused(**turned) == (
        "X has the columns of fit in another order: give it as X[list(model.feature_names_in_)]"
    )
    right = frame(turned)[list(fitted.feature_names_in_)]  # as it advises
    assert np.array_equal(fitted.predict(right), fitted.predict(frame(columns)))
    assert refused(age=A, sise=A, dose=A) == (
        "X lacks 1 of the 3 columns of fit: 'size'; did you mean 'sise'?"
    )
    assert refused(age=A) == "X lacks 2 of the 3 columns of fit: 'size', 'dose'"
    assert refused(**columns, sex=A) == (
        "X has columns that were not there at fit, 'sex': give it as X[list(model.feature_names_in_)]"
    )


def test_two_columns_of_one_name():
    frame = pandas.DataFrame(np.column_stack([A, A, A]), columns=["a", "b", "a"])
    with pytest.raises(tl.InputError, match="X has 2 columns named 'a': give every column a name"):
        model().fit(frame, A)


TARGETS = {
    "Int64": pandas.array(ONES, dtype="Int64"),
    "string": pandas.array([f"k{one}" for one in ONES], dtype="string"),
    "categories": pandas.Categorical([f"k{one}" for one in ONES]),
    "boolean": pandas.array(B, dtype="boolean"),
    "polars": polars.Series([f"k{one}" for one in ONES], dtype=polars.Categorical),
}


@pytest.mark.parametrize("name", TARGETS)
def test_targets_of_any_type(name):
    y = TARGETS[name]
    found = tl.TwoLayerClassifier(3, alpha=1.0, max_iter=4, random_state=0).fit(A[:, None], y)
    assert found.classes_.tolist() == sorted(set(y))
    if name in ("Int64", "boolean"):
        expected = model().fit(A[:, None], np.array(y.tolist(), dtype=float))
        assert np.array_equal(model().fit(A[:, None], y).w1_, expected.w1_)
    else:
        with pytest.raises(tl.InputError) as error:
            model().fit(A[:, None], y)
        assert said(error).startswith("y holds text (such as 'k1'), and numbers are learned here")


@pytest.mark.parametrize(
    "kind", [tl.TwoLayerClassifier, tl.TwoLayerRegressor, tl.TwoLayerClassifierCV]
)
@pytest.mark.parametrize(
    "y",
    [
        np.array(["x", None, *"xy" * 11], dtype=object),
        pandas.Categorical(["x", None, *"xy" * 11]),
        pandas.Series(["x", None, *"xy" * 11], dtype="string"),
        polars.Series(["x", None, *"xy" * 11]),
    ],
)  # fmt: skip
def test_targets_with_gaps_say_where(kind, y):
    with pytest.raises(tl.InputError) as error:
        kind(3).fit(A[:, None], y)
    assert said(error) == (
        "y contains NaN: there is no value in row 1 (counted from 0): leave those rows out"
    )
