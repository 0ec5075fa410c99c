"""Predictions for a table that lacks columns of the model; what fills them is reckoned here, from the training rows."""

from pathlib import Path

import numpy as np
import polars
import pytest
from command_line import assert_refused

import twolayer as tl
from twolayer.saving.saved_model import open_model

QUICK = ["--max-iter", 9, "--n-hidden", 2, "--alpha", 1, "--n-networks", 1]


def table_of_words():
    """Thirty numbers, a category and yes or no."""
    rng = np.random.default_rng(0)
    numbers = {f"g{j}": rng.normal(size=60).round(3) for j in range(30)}
    words = {"tissue": ["skin", "lung", "skin"] * 20, "smoker": ["yes", "no", "no"] * 20}
    return polars.DataFrame({**numbers, **words, "y": numbers["g0"] + numbers["g1"]})


@pytest.fixture
def fitted(here, twolayer):
    """A model, and the table it learned from."""
    table = table_of_words()
    table.write_csv("t.csv")
    assert twolayer("fit", "t.csv", "--target", "y", *QUICK)[0] == 0
    return table


@pytest.mark.parametrize("gap", [None, "NA"])
def test_columns_that_are_not_there_become_what_is_usual_in_training(here, twolayer, gap):
    """Not marked as missing, though training may have had a gap there."""
    gone = ["g3", "g7", "tissue", "smoker"]
    fitted = table_of_words()
    if gap is not None:
        rows = {name: fitted[name].cast(str).to_list() for name in gone}
        fitted = fitted.with_columns(
            [polars.Series(name, [gap, *words[1:]]) for name, words in rows.items()]
        )
    fitted.write_csv("t.csv")
    assert (
        twolayer("fit", "t.csv", "--target", "y", *QUICK, "--test-size", 0.02, "--seed", 1)[0] == 0
    )
    model = "t.twolayer.safetensors"
    encoder = open_model(Path(model)).encoder
    assert encoder.marked == ([] if gap is None else gone)
    medians = dict(zip(encoder.numbers, encoder.medians, strict=True))
    usual = {"g3": medians["g3"], "g7": medians["g7"], "tissue": "skin", "smoker": "no"}
    fitted.drop(gone).write_csv("lacks.csv")
    fitted.with_columns([polars.lit(usual[name]).alias(name) for name in gone]).write_csv(
        "usual.csv"
    )
    _, expected, _ = twolayer("predict", model, "usual.csv")
    code, out, err = twolayer("predict", model, "lacks.csv", "--fill-missing-columns")
    assert (code, out) == (0, expected)
    assert out.count("\n") == 61
    assert err == (
        "left alone: 'y' (the target)\nwarning: 4 of 32 columns are not in lacks.csv, and filled in with the medians of the "
        "training rows: 'g3', 'g7', 'smoker', 'tissue'\n"
    )


def test_the_first_names_are_seen(fitted, twolayer, here):
    gone = [f"g{j}" for j in range(5, 30)]
    fitted.drop(gone[:20]).write_csv("some.csv")
    fitted.drop(gone).write_csv("many.csv")
    model = "t.twolayer.safetensors"
    told = assert_refused(twolayer, here, ["predict", model, "some.csv"], "lacks 20 of the 32")
    assert (
        ", ".join(f"'{name}'" for name in gone[:20]) + "; `twolayer predict --fill-missing-columns"
        in told
    )
    message = (
        "lacks 25 .*'g24' and 5 more; `twolayer predict --fill-missing-columns` puts the medians"
    )
    assert_refused(twolayer, here, ["predict", model, "many.csv"], message)
    _, _, err = twolayer("predict", model, "many.csv", "--fill-missing-columns")
    assert "25 of 32 columns are not in many.csv" in err
    assert err.endswith("'g14' and 15 more\n")


def test_rows_with_hardly_a_value_are_counted(fitted, twolayer, here):
    words = fitted.cast(str).rows(named=True)
    for name in list(fitted.columns)[:17]:
        words[4][name] = ""
    for name in fitted.columns[:16]:
        words[5][name] = "NA"
    polars.DataFrame(words).write_csv("gaps.csv")
    _, _, err = twolayer("predict", "t.twolayer.safetensors", "gaps.csv")
    assert "warning: 1 row has no value in more than half of the columns (line 6): what is" in err
    gone = [f"g{j}" for j in range(20)]  # of the 12 columns left, row 6 has all values
    polars.DataFrame([{**words[0], **dict.fromkeys(fitted.columns[20:27], "")}, *words]).drop(
        gone
    ).write_csv("both.csv")
    _, _, err = twolayer("predict", "t.twolayer.safetensors", "both.csv", "--fill-missing-columns")
    assert "warning: 1 row has no value in more than half of the columns (line 2): what is" in err


def test_what_cannot_be_filled_in_is_refused(fitted, twolayer, here):
    fitted.select("y").write_csv("none.csv")
    model, fill = "t.twolayer.safetensors", "--fill-missing-columns"
    told = assert_refused(
        twolayer, here, ["predict", model, "none.csv", fill], "lacks 32 of the 32"
    )
    assert fill not in told
    Path("s.svm").write_text("1 1:0.5 3:2\n0 2:1\n")
    assert_refused(twolayer, here, ["predict", model, "s.svm", fill], "lacks 32 of the 32")
    x = fitted.select("g0", "g1").to_numpy()
    bare = tl.TwoLayerRegressor(n_hidden=2, n_networks=1).fit(x, fitted["y"].to_numpy())
    tl.save(bare, "m.safetensors")
    assert_refused(
        twolayer, here, ["predict", "m.safetensors", "t.csv", fill], "needs a model that"
    )
