"""Predictions for a table that lacks columns of the model; what fills them is reckoned here, from the training rows."""

from pathlib import Path

import numpy as np
import polars
import pytest
from command_line import assert_refused

import twolayer as tl

QUICK = ["--max-iter", 9, "--n-hidden", 2, "--alpha", 1, "--n-networks", 1]


@pytest.fixture
def fitted(here, twolayer):
    """A model of 30 numbers, a category and yes or no, and the table it learned from."""
    rng = np.random.default_rng(0)
    numbers = {f"g{j}": rng.normal(size=60).round(3) for j in range(30)}
    words = {"tissue": ["skin", "lung", "skin"] * 20, "smoker": ["yes", "no", "no"] * 20}
    table = polars.DataFrame({**numbers, **words, "y": numbers["g0"] + numbers["g1"]})
    table.write_csv("t.csv")
    assert twolayer("fit", "t.csv", "--target", "y", *QUICK)[0] == 0
    return table


def test_columns_that_are_not_there_count_as_missing_values(fitted, twolayer):
    gone = ["g3", "g7", "tissue", "smoker"]
    fitted.drop(gone).write_csv("lacks.csv")
    nothing = fitted.with_columns([polars.lit(None).alias(name) for name in gone])
    nothing.write_csv("empty.csv")
    model = "t.twolayer.safetensors"
    _, expected, _ = twolayer("predict", model, "empty.csv")
    code, out, err = twolayer("predict", model, "lacks.csv", "--fill-missing-columns")
    assert (code, out) == (0, expected)
    assert out.count("\n") == 61
    assert err == (
        "left alone: 'y' (the target)\nwarning: 4 of 32 columns are not in lacks.csv, and filled in as missing values "
        "are: 'g3', 'g7', 'smoker', 'tissue'\n"
    )


def test_every_name_can_be_seen(fitted, twolayer, here):
    gone = [f"g{j}" for j in range(5, 30)]
    fitted.drop(gone[:20]).write_csv("some.csv")
    fitted.drop(gone).write_csv("many.csv")
    model = "t.twolayer.safetensors"
    told = assert_refused(twolayer, here, ["predict", model, "some.csv"], "lacks 20 of the 32")
    assert ", ".join(f"'{name}'" for name in gone[:20]) + "; --fill-missing-columns" in told
    message = "lacks 25 .*'g24' and 5 more; --fill-missing-columns takes .*, and names them all"
    assert_refused(twolayer, here, ["predict", model, "many.csv"], message)
    _, _, err = twolayer("predict", model, "many.csv", "--fill-missing-columns")
    assert all(f"'{name}'" in err for name in gone)


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
