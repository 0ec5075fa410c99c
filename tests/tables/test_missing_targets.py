"""Rows whose target is missing: refused, or left out and counted. Expected: what polars' own drop_nulls leaves."""

import json

import numpy as np
import polars
import pytest
from slow_cases import slow

import twolayer as tl
from twolayer import InputError, tables
from twolayer.tables import TableOptions

pytestmark = pytest.mark.usefixtures("blank_pictures")

OPTION = "--drop-missing-target"
QUICK = ["--max-iter", "10", "--n-hidden", "4", "--n-networks", "1", "--alpha", "1", "-q"]


def frame(n=60):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 3)).round(3)
    y, z = (x[:, 0] + x[:, 1]).round(3), x[:, 1].round(3)
    return polars.DataFrame(
        {
            "patient": [f"P{i:02}" for i in range(n)],
            "a": x[:, 0],
            "b": x[:, 2],
            "y": [None if i % 7 == 3 else v for i, v in enumerate(y.tolist())],
            "z": [None if i % 11 == 2 else v for i, v in enumerate(z.tolist())],
            "k": [None if i % 9 == 0 else "no" if v < 0 else "yes" for i, v in enumerate(y)],
            # without a value where `y` has none: such rows are to be gone before these are looked at
            "count": [None if i % 7 == 3 else 1.0 + i % 3 for i in range(n)],
            "site": [None if i % 7 == 3 else f"s{i % 6}" for i in range(n)],
            "day": [None if i % 7 == 3 else i for i in range(n)],
        }
    )


def left_out(*names):
    """The options that leave these columns out."""
    return [word for name in names for word in ("--drop", name)]


CASES = {
    "one": (["y"], ["z", "k", "count", "site", "day"], []),
    "not text": (["y"], ["z", "k", "count", "site", "day"], []),
    "several": (["y", "z"], ["k", "count", "site", "day"], []),
    "classes": (["k"], ["y", "z", "count", "site", "day"], []),
    "weights": (["y"], ["z", "k", "site", "day"], ["--weights", "count"]),
    "groups": (["y"], ["z", "k", "count", "day"], ["--groups", "site"]),
    "time": (["y"], ["z", "k", "count", "site"], ["--time", "day"]),
}


@pytest.mark.parametrize(
    "case", ["one", "several", "classes", "groups", *slow("not text", "weights", "time")]
)
def test_the_fit_is_that_of_the_other_rows(here, twolayer, case):
    targets, dropped, options = CASES[case]
    ending = "parquet" if case == "not text" else "csv"
    whole, kept = frame(), frame().drop_nulls(targets)
    write = f"write_{ending}"
    getattr(whole, write)(f"whole.{ending}")
    getattr(kept, write)(f"kept.{ending}")
    asked = [word for name in targets for word in ("--target", name)]
    asked += [*left_out(*dropped), *options, *QUICK]
    code, _, err = twolayer("fit", f"whole.{ending}", *asked)
    assert code == 2
    assert OPTION in err
    assert twolayer("fit", f"whole.{ending}", *asked, OPTION) == (0, "", "")
    assert twolayer("fit", f"kept.{ending}", *asked) == (0, "", "")
    one, two = (tl.load(f"{name}.twolayer.safetensors") for name in ("whole", "kept"))
    assert one.feature_names_in_.tolist() == two.feature_names_in_.tolist() == ["a", "b"]
    for name in ("w1_", "b1_", "w2_", "b2_"):
        assert np.array_equal(getattr(one, name), getattr(two, name))


def test_what_was_left_out_is_said_and_kept_in_the_settings(here, twolayer):
    frame().write_csv("t.csv")
    _, out, _ = twolayer("fit", "t.csv", "--target", "k", *left_out("y", "z", "count", "site", "day"),
                         *QUICK[:-1], OPTION)  # fmt: skip
    n_kept = len(frame().drop_nulls("k"))
    line = f"{60 - n_kept} of 60 rows have no value in the target 'k': left out"
    assert f"  {line}\n" in out
    assert "drop_missing_target = true\n" in (here / "t.fit.toml").read_text()
    code, out, _ = twolayer("fit", "--config", "t.fit.toml", "--json")
    assert code == 0
    assert line in json.loads(out)["notes"]


def test_evaluate_test_and_report_leave_them_out_too(here, twolayer):
    frame().drop_nulls("y").write_csv("kept.csv")
    frame().write_csv("whole.csv")
    asked = ["--target", "y", *left_out("z", "k", "count", "site", "day")]
    assert twolayer("fit", "kept.csv", *asked, *QUICK)[0] == 0
    model = "kept.twolayer.safetensors"
    for more in (["--weights", "count"], []):
        code, out, err = twolayer("evaluate", model, "whole.csv", *more, "--json")
        assert code == 2
        assert "line 5 has no value in column 'y', which is the target (9 such rows of 60)" in err
        assert OPTION in err
        code, out, _ = twolayer("evaluate", model, "whole.csv", *more, "--json", OPTION)
        assert code == 0
        _, other, _ = twolayer("evaluate", model, "kept.csv", *more, "--json")
        got, expected = json.loads(out), json.loads(other)
        assert got["rows"] == expected["rows"] == 51
        assert got["scores"] == expected["scores"]
    asked += ["--n", "2", "--cv", "2", "--n-hidden", "2", "--json"]
    code, out, _ = twolayer("test", "whole.csv", *asked, OPTION)
    assert code == 0
    _, other, _ = twolayer("test", "kept.csv", *asked)
    assert json.loads(out)["permutation"] == json.loads(other)["permutation"]


def test_labels_of_another_file(here, twolayer):
    columns = frame().select("patient", "a", "b")
    columns.write_csv("x.csv")
    # in another order, and some patients unknown there
    labels = frame().select("patient", "y").reverse().head(50)
    labels.write_csv("y.csv")
    kept = columns.join(labels, on="patient").drop_nulls("y")
    asked = TableOptions("x.csv", ("y",), labels="y.csv", id="patient")
    with pytest.raises(InputError, match=f"y.csv: row 'P10' has no value.*{OPTION}"):
        tables.read_dataset(asked)
    asked = TableOptions("x.csv", ("y",), labels="y.csv", id="patient", drop_missing_target=True)
    data = tables.read_dataset(asked)
    assert data.table.words("patient") == kept["patient"].to_list()
    assert data.target.values.tolist() == kept["y"].to_list()
    assert data.notes[-1].startswith(f"{50 - len(kept)} of 50 rows have no value in the target 'y'")


def test_rows_keep_their_place_in_the_file(here):
    whole = frame().drop("patient").with_row_index("nr of row")
    whole = whole.rename({"nr of row": "counted"})
    whole.write_parquet("t.parquet")
    asked = TableOptions("t.parquet", ("y",), drop=("z", "k", "site"), drop_missing_target=True)
    found = tables.read_dataset(asked).kinds
    assert found.ids == ["counted"]  # still one more from row to row of the file
    wrong = whole.with_columns(count=polars.when(polars.col("counted") == 40).then(-1).otherwise(1))
    wrong.write_parquet("wrong.parquet")
    asked = TableOptions("wrong.parquet", ("y",), weights="count", drop_missing_target=True)
    with pytest.raises(InputError, match="row 41 has the weight -1"):
        tables.read_dataset(asked)


def test_nothing_missing_says_nothing_and_nothing_there_is_refused(here):
    frame().drop_nulls().write_csv("kept.csv")
    asked = TableOptions("kept.csv", ("y",), drop=("z", "k"), drop_missing_target=True)
    assert tables.read_dataset(asked).notes == []
    known = polars.col("y").is_null()
    frame().filter(known).write_csv("none.csv")
    asked = TableOptions("none.csv", ("y",), drop_missing_target=True)
    with pytest.raises(InputError, match=f"no row has a value in the target 'y': {OPTION} leaves"):
        tables.read_dataset(asked)
    never = polars.when(polars.col("a") > 0).then(1.5)
    frame().with_columns(y=never, z=polars.when(polars.col("a") <= 0).then(1.5)).write_csv("n.csv")
    asked = TableOptions("n.csv", ("y", "z"), drop_missing_target=True)
    with pytest.raises(InputError, match="no row has a value in every one of the targets 'y', 'z'"):
        tables.read_dataset(asked)
