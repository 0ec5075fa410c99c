"""`twolayer inspect`: the inputs with most weight and their signs, how concentrated weight is, how the model was trained."""

import json
import re

import numpy as np
import pandas
import pytest
from command_line import done

import twolayer as tl

HOW = ["--n-hidden", "6", "--n-networks", "2", "--quiet"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A narrow table of two numbers, and a wide one of three classes of which each has a gene."""
    folder = tmp_path_factory.mktemp("inspected")
    rng = np.random.default_rng(0)
    wide = pandas.DataFrame(
        rng.standard_normal((60, 200)), columns=[f"gene{j}" for j in range(200)]
    )
    kinds = np.arange(60) % 3
    for k, gene in enumerate(("gene7", "gene50", "gene120")):
        wide[gene] += 6 * (kinds == k)
    wide.assign(kind=np.array(["fat", "liver", "skin"])[kinds]).to_csv(
        folder / "wide.csv", index=False
    )
    narrow = pandas.DataFrame(rng.standard_normal((80, 3)), columns=["dose", "age", "noise"])
    narrow["up"] = 3 * narrow["dose"] + 0.1 * rng.standard_normal(80)
    narrow["down"] = -2 * narrow["age"] + 0.1 * rng.standard_normal(80)
    narrow.to_csv(folder / "narrow.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def fitted(home):
    from twolayer.cli.main import main

    for words in (
        ["wide.csv", "--target", "kind", "--scaling", "standard"],
        ["narrow.csv", "--target", "up", "--target", "down", "--alpha", "1"],
    ):
        try:
            main(["fit", str(home / words[0]), *words[1:], "--out", str(home), *HOW])
        except SystemExit as left:
            assert not left.code  # noqa: PT017
    return home


def inspected(capsys, path, *more):
    code, out, err = done(capsys, "inspect", path, *more)
    assert (code, err) == (0, "")
    return out


def rows_of(out):
    return dict(re.findall(r"^  (\S.*?)  +(\S.*)$", out, re.MULTILINE))


def test_each_class_has_its_genes(fitted, capsys):
    out = inspected(capsys, fitted / "wide.twolayer.safetensors", "--top", "3")
    told = rows_of(out.split("weight for each class")[1])
    # each class was given one gene, of which it has more
    assert told["fat"].startswith("+ gene7,")
    assert told["liver"].startswith("+ gene50,")
    assert told["skin"].startswith("+ gene120,")


def test_how_thinly_weight_is_spread(fitted, capsys):
    path = fitted / "wide.twolayer.safetensors"
    told = json.loads(inspected(capsys, path, "--top", "200", "--json"))
    shares = sorted((one["share"] for one in told["importances"]), reverse=True)
    assert sum(shares) == pytest.approx(1)
    half = told["half_of_weight"]
    assert sum(shares[: half - 1]) < 0.5 <= sum(shares[:half])
    out = inspected(capsys, path, "--top", "2")
    assert f"half of all weight is in {half} of 200 inputs; these 2 have" in out
    assert ("as evenly as random weights" in out) == (half > 40)
    assert "a large weight is not importance" in out


def test_the_skip_layer_by_hand(fitted, capsys):
    path = fitted / "wide.twolayer.safetensors"
    told = json.loads(inspected(capsys, path, "--json"))
    model = tl.load(path)
    frame = pandas.read_csv(fitted / "wide.csv").drop(columns="kind")
    from sklearn.model_selection import train_test_split

    kinds = pandas.read_csv(fitted / "wide.csv")["kind"]
    train, _ = train_test_split(np.arange(60), test_size=15, random_state=0, stratify=kinds)
    inputs = model.network_inputs(frame.iloc[train])  # of the second network clipped
    direct = through = 0.0
    for x, w1, w2, skip in zip(inputs, model.w1_, model.w2_, model.w_skip_, strict=True):
        spread = x.std(axis=0)
        for j in range(200):
            direct += spread[j] * np.sqrt(np.sum(skip[j] ** 2))
            through += spread[j] * sum(
                abs(w1[j, h]) * np.sqrt(np.sum(w2[h] ** 2)) for h in range(6)
            )
    assert told["skip_share"] == pytest.approx(direct / (direct + through))
    assert f"{100 * told['skip_share']:.0f}%" in rows_of(inspected(capsys, path))["skip layer"]


def test_what_was_settled(fitted, capsys):
    path = fitted / "wide.twolayer.safetensors"
    told = rows_of(inspected(capsys, path))
    model = tl.load(path)
    tried = np.array(model.alphas_tried_)
    assert told["alpha"].startswith(f"{model.alpha_:g}, the best of {len(tried)} tried")
    assert f"from {tried[:, 0].min():g} to {tried[:, 0].max():g}" in told["alpha"]
    assert told["smoothing"].startswith("0.1 of each label")  # more columns than rows
    assert told["temperature"].startswith(f"{model.temperature_:.2g}: probabilities were")
    narrow = rows_of(inspected(capsys, fitted / "narrow.twolayer.safetensors"))
    assert narrow["alpha"] == "1, as given"
    assert "smoothing" not in narrow
    assert "skip layer" not in narrow
    assert re.fullmatch(r"'up' [\d.]+, 'down' [\d.]+", narrow["usual error"])


def test_of_several_numbers_each_has_its_signs(fitted, capsys):
    path = fitted / "narrow.twolayer.safetensors"
    out = inspected(capsys, path)
    told = rows_of(out.split("weight for each number")[1])
    assert told["up"].startswith("+ dose,")
    assert told["down"].startswith("- age,")
    assert "as evenly as random weights" not in out
    towards = json.loads(inspected(capsys, path, "--json"))["importances"][0]["towards"]
    assert set(towards) == {"up", "down"}


def test_labels_are_named_as_labels(tmp_path, capsys):
    x = np.random.default_rng(0).standard_normal((40, 2))
    model = tl.TwoLayerClassifier(3, alpha=1, n_networks=1, random_state=0)
    tl.save(model.fit(x, (x > 0).astype(int)), tmp_path / "m.safetensors")
    out = inspected(capsys, tmp_path / "m.safetensors")
    assert rows_of(out)["predicts"] == "which of 2 labels a row has"
    assert "the weights of inputs are ranked only for models that `twolayer fit` saved" in out


def test_a_search_by_cross_validation_says_what_it_tried(tmp_path, capsys):
    x = np.random.default_rng(0).standard_normal((40, 2))
    model = tl.TwoLayerRegressorCV(3, alphas=[0.1, 1, 10], cv=3, n_networks=1, random_state=0)
    tl.save(model.fit(x, x[:, 0]), tmp_path / "m.safetensors")
    told = rows_of(inspected(capsys, tmp_path / "m.safetensors"))
    best = f"{model.alpha_:g}, the best of 3 tried on rows left out, from 0.1 to 10"
    assert told["alpha"].startswith(best)
