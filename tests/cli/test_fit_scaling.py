"""`twolayer fit --scaling`: networks that see clipped columns, from a table to every other command."""

import json
import tomllib

import numpy as np
import pandas
import pytest
from slow_cases import slow

import twolayer as tl

FEW = {"n_hidden": "4", "alpha": "0.3", "max_iter": "30"}
WORDS = [word for name, value in FEW.items() for word in (f"--{name.replace('_', '-')}", value)]


@pytest.fixture
def table(here):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 3))
    frame = pandas.DataFrame(x, columns=["a", "b", "c"]).assign(y=np.sin(x[:, 0]) + x[:, 1])
    frame.loc[0, "c"] = 1e5
    frame.to_csv("t.csv", index=False)
    return frame


def fit(twolayer, *more):
    return twolayer("fit", "t.csv", "--target", "y", *WORDS, *more)


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize(
    ("scaling", "clipped"), [("smooth_clip", 5), ("auto", 2), *slow(("standard", 0))]
)
def test_every_command_takes_the_model(here, twolayer, table, scaling, clipped):
    code, _, err = fit(twolayer, "--scaling", scaling)
    assert code == 0, err
    model = tl.load("t.twolayer.safetensors").without_feature_names()
    assert (0 if model.input_clip_ is None else model.input_clip_.networks.sum()) == clipped
    assert tomllib.loads((here / "t.fit.toml").read_text())["scaling"] == scaling
    code, out, err = twolayer("inspect", "t.twolayer.safetensors")
    assert code == 0, err
    words = {0: None, 5: "all networks see them clipped", 2: "2 of the networks see them clipped"}
    assert ("clipped" in out) == bool(clipped)
    assert not clipped or words[clipped] in out
    code, out, err = twolayer("inspect", "t.twolayer.safetensors", "--json")
    assert json.loads(out)["n_clipped_networks"] == clipped
    code, out, err = twolayer("report", "t.twolayer.safetensors", "t.csv", "--out", "page")
    assert code == 0, err
    pages = "".join(path.read_text() for path in (here / "page").rglob("*.html"))
    assert ("It sees clipped columns" in pages) == (scaling == "smooth_clip")
    code, out, err = twolayer(
        "export", "t.twolayer.safetensors", "--to", "numpy", "--out", "net.py"
    )
    assert code == 0, err
    space = {"__file__": str(here / "net.py")}
    exec((here / "net.py").read_text(), space)
    x = table[["a", "b", "c"]].to_numpy()
    np.testing.assert_allclose(space["predict"](x), model.predict(x), rtol=1e-12)
    code, _, err = twolayer("fit", "t.csv", "--config", "t.fit.toml", "--out", "again")
    assert code == 0, err
    again = tl.load("again/t.twolayer.safetensors").without_feature_names()
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("how", "advice"),
    [
        (["--scaling", "auto"], "fit with --n-networks 1, or"),
        (["--scaling", "smooth_clip"], "fit with --n-networks 1 --scaling standard, or"),
        (["--scaling", "smooth_clip", "--n-networks", "1"], "fit with --scaling standard, or"),
    ],
)
def test_what_scikit_learn_cannot_hold_is_told_with_the_options_of_fit(
    here, twolayer, table, how, advice
):
    assert fit(twolayer, *how)[0] == 0
    words = ["export", "t.twolayer.safetensors", "--to", "sklearn", "--out", "net.py"]
    code, _, err = twolayer(*words)
    assert code == 2
    assert "scikit-learn's MLP cannot hold" in err
    assert advice in err
    assert fit(twolayer, *how, *advice.removesuffix(", or").split()[2:])[0] == 0
    code, _, err = twolayer(*words)
    assert code == 0, err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--scaling", "robust"],
            "there is no scaling 'robust': choose one of auto, standard, smooth_clip",
        ),
        (["--scaling", "smooth_clip", "--cv", "2"], "leave --scaling smooth_clip out, or --cv"),
    ],
)
def test_what_is_refused_is_one_line(here, twolayer, table, more, message):
    code, out, err = twolayer("fit", "t.csv", "--target", "y", *more)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err


def test_inspect_says_how_the_columns_of_a_wide_table_were_weighed(here, twolayer):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 400))
    y = x[:, :3].sum(axis=1)
    head = ",".join([*(f"gene{k}" for k in range(400)), "y"])
    np.savetxt(here / "t.csv", np.c_[x, y], delimiter=",", header=head, comments="")
    for scaling, weighed in (("auto", True), ("standard", False)):
        words = ("--target", "y", "--n-hidden", "4", "--scaling", scaling, "--force")
        code, _, err = twolayer("fit", "t.csv", *words)
        assert code == 0, err
        code, out, err = twolayer("inspect", "t.twolayer.safetensors")
        assert code == 0, err
        assert ("weighed in training by |t|" in out or "by t²" in out) == weighed
        facts = json.loads(twolayer("inspect", "t.twolayer.safetensors", "--json")[1])
        assert (facts["column_weighing"] != "none") == weighed
