"""`twolayer watch TABLE` and `twolayer watch MODEL TABLE`: what the page begins with.

The numbers of a fit are compared with the estimator's own outputs and with products made here.
"""

import csv
import json
import re

import numpy as np
import pytest
from browser_pages import open_page, wait_until

import twolayer as tl
from twolayer.watch.fit_message import FEW_INPUTS, MOST_FIT_ROWS

NEAR = {"rtol": 6e-5, "atol": 1e-6}  # five digits


def write_table(path, x, **more):
    names = [f"x{j + 1}" for j in range(x.shape[1])]
    columns = [*x.T.tolist(), *more.values()]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[*names, *more], *zip(*columns, strict=True)])
    return path


def first_of(twolayer, *arguments):
    """What a written page begins with."""
    code, _, err = twolayer("watch", *arguments, "--out", "page.html")
    assert (code, err) == (0, "")
    with open("page.html", encoding="utf-8") as file:
        text = re.search(r'<script type="application/json" id="first">(.*?)</script>', file.read())
    return json.loads(text[1])


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 4))
    y = np.where(x[:, 0] > 0.5, "high", np.where(x[:, 1] > 0, "middle", "low"))
    wide = rng.standard_normal((12, FEW_INPUTS + 9))
    return x, y, wide


@pytest.fixture
def classifier(here, tables):
    x, y, _ = tables
    model = tl.TwoLayerClassifier(
        6, alpha=1.0, n_networks=5, max_iter=20, skip=True, random_state=0
    )
    tl.save(model.fit(x, y), "classes.safetensors")
    return model, write_table(here / "table.csv", x, label=y.tolist())


@pytest.fixture
def wide_regressor(here, tables):
    wide = tables[2]
    model = tl.TwoLayerRegressor(5, alpha=1.0, n_networks=1, max_iter=20, random_state=0)
    tl.save(model.fit(wide, wide[:, 0]), "numbers.safetensors")
    return model, write_table(here / "wide.csv", wide)


def test_a_fit_is_shown_with_its_own_numbers(twolayer, tables, classifier):
    model, table = classifier
    x, _, _ = tables
    write_table(table, x)
    fit = first_of(twolayer, "classes.safetensors", table)["fit"]
    assert (fit["allRows"], fit["allNetworks"], len(fit["networks"])) == (30, 5, 3)
    assert fit["outputs"] == ["high", "low", "middle"]
    assert fit["rows"] == [str(k + 1) for k in range(30)]
    outputs = model.network_outputs(x)
    for k, network in enumerate(fit["networks"]):
        params, inputs = model.networks_[k], model.network_inputs(x)[k]
        np.testing.assert_allclose(network["y_pred"], outputs[k], **NEAR)
        np.testing.assert_allclose(network["h"], inputs @ params.w1 + params.b1, **NEAR)
        np.testing.assert_allclose(network["h_relu"], np.maximum(network["h"], 0), **NEAR)
        parts = np.array(network["h_relu"]) @ network["w2"] + network["b2"] + network["skip"]
        np.testing.assert_allclose(parts, network["y_pred"], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(network["x"], inputs, **NEAR)
        assert network["span"] is None
        for unit, strongest in enumerate(network["strongest"]):
            strength = np.abs(params.w1[:, unit]) * np.sqrt(np.square(inputs).mean(0))
            assert strongest[0][0] == f"x{strength.argmax() + 1}"


def test_a_wide_fit_has_its_span_and_not_its_columns(twolayer, tables, wide_regressor):
    model, table = wide_regressor
    fit = first_of(twolayer, "numbers.safetensors", table)["fit"]
    (network,) = fit["networks"]
    (inputs,) = model.network_inputs(tables[2])
    np.testing.assert_allclose(network["span"], inputs @ inputs.T, rtol=1e-4, atol=1e-4)
    assert network["x"] is None
    assert len(network["strongest"][0]) == 6
    assert fit["outputs"] == ["y1"]


def test_of_many_rows_the_first_are_shown_and_all_counted(twolayer, tables, classifier):
    x = np.tile(tables[0], (10, 1))
    fit = first_of(twolayer, "classes.safetensors", write_table(classifier[1], x))["fit"]
    assert (len(fit["rows"]), fit["allRows"]) == (MOST_FIT_ROWS, 300)


def test_a_table_is_given_to_the_page_as_it_stands(twolayer, classifier):
    table = first_of(twolayer, classifier[1], "--target", "x2")["table"]
    assert (table["names"], table["target"]) == (["x1", "x2", "x3", "x4", "label"], "x2")
    with classifier[1].open(newline="") as file:
        assert table["rows"] == list(csv.reader(file))[1:]
    assert first_of(twolayer, classifier[1])["table"]["target"] == "label"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.csv"], "there is no file nowhere.csv"),
        (["table.csv", "--target", "labels"], "there is no column 'labels'.*did you mean 'label'"),
        (["classes.safetensors"], "is a model: name the table"),
        (["table.csv", "table.csv"], "table.csv cannot be read as a model"),
        (["classes.safetensors", "other.csv"], "other.csv"),
        (["classes.safetensors", "table.csv", "table.csv"], "got 3 files"),
        (
            ["classes.safetensors", "table.csv", "--target", "label"],
            "--target is for a table to train on",
        ),
        (["--target", "label"], "--target is for a table to train on"),
        (["long.csv"], "2,001 rows .* up to 2,000 of each"),
    ],
)
def test_what_cannot_be_shown_is_said(twolayer, here, classifier, arguments, sentence):
    (here / "other.csv").write_text("a,b\n1,2\n3,4\n")
    (here / "long.csv").write_text("a,b\n" + "1,2\n" * 2001)
    code, out, err = twolayer("watch", *arguments, "--out", "page.html")
    assert (code, out) == (2, "")
    assert re.search(sentence, err)
    assert err.count("\n") == 1
    assert not (here / "page.html").exists()


def test_the_page_does_not_replace_what_it_is_about(twolayer, classifier):
    code, _, err = twolayer("watch", classifier[1], "--out", classifier[1])
    assert code == 2
    assert "table.csv" in err


def test_the_fit_is_drawn(chromium, twolayer, here, tables, classifier):
    model, _ = classifier
    x = tables[0]
    first_of(twolayer, "classes.safetensors", write_table(here / "inputs.csv", x))
    with open_page(chromium, (here / "page.html").as_uri() + "#lang=en") as page:
        assert page.locator("#tab-fit").get_attribute("aria-selected") == "true"
        page.select_option("[data-do=fit-row]", index=7)
        text = page.locator("table.path").inner_text()
        name, *outputs = text.strip().splitlines()[-1].replace("−", "-").split()
        assert name == "y_pred"
        expected = model.network_outputs(x)[0][7]
        np.testing.assert_allclose([float(part) for part in outputs], expected, rtol=1e-3)
        params, inputs = model.networks_[0], model.network_inputs(x)[0]
        on = (inputs @ params.w1 + params.b1 > 0).any(0)
        assert ("Each of the 6 units" in page.locator("#panel").inner_text()) == on.all()
        page.click("#tab-matrices")
        wait_until(page, "document.querySelector('[data-variable=w1]') !== null")


def test_the_page_begins_with_the_table(chromium, twolayer, here, classifier):
    first_of(twolayer, classifier[1])
    with open_page(chromium, (here / "page.html").as_uri() + "#lang=zh") as page:
        wait_until(page, "app.settings.problem === 'own' && app.frame?.place === 0")
        assert page.evaluate("[app.settings.inputs, app.settings.outputs]") == [4, 3]
        assert "table.csv" in page.locator("#panel").inner_text()


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_a_fit_is_readable_by_all(chromium, twolayer, here, tables, wide_regressor, width, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    first_of(twolayer, "numbers.safetensors", wide_regressor[1])
    address = (here / "page.html").as_uri() + f"#lang=zh&theme={theme}"
    with open_page(chromium, address, width=width) as page:
        page.evaluate(
            "document.querySelectorAll('#panel details').forEach((one) => { one.open = true; })"
        )
        page.wait_for_timeout(300)
        found = axe.run(page).response["violations"]
        assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=str(here / "fit.png"))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["1,p", "2,q"], "2 rows and 2 columns: the page needs at least 4 rows"),
        (["1,p", "2,q", ",p", "4,q"], "line 4 of t.csv has no value in column 'a'"),
        (["1,p", "2,q", "3,NaN", "4,q"], "line 4 of t.csv has no value in column 'y'"),
        (["1,p", "2,p", "3,p", "4,p"], "the target 'y' of t.csv is 'p' in every row"),
        ([f"name{k},{'pq'[k % 2]}" for k in range(30)], "'a' of t.csv holds 30 different texts"),
        ([f"{k},name{k}" for k in range(60)], "'y' of t.csv holds 60 classes"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_before_a_page_is_written(
    here, twolayer, rows, sentence
):
    (here / "t.csv").write_text("\n".join(["a,y", *rows]))
    code, out, err = twolayer("watch", "t.csv", "--out", "page.html")
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert not (here / "page.html").exists()


def test_values_filled_in_are_told(twolayer, tables, classifier, here):
    x = tables[0].copy()
    x[3, 1] = np.nan
    rows = [[f"{v:g}" if v == v else "" for v in row] for row in x]
    with (here / "gaps.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["x1", "x2", "x3", "x4"], *rows])
    twolayer("fit", "table.csv", "--target", "label", "--n-hidden", "5", "--alpha", "1")
    code, _, err = twolayer("watch", "table.twolayer.safetensors", "gaps.csv", "--out", "page.html")
    assert (code, err) == (0, "1 missing value filled in, in 'x2'\n")
