"""The sections of a report on influential rows and on how linear the network is."""

import re
from html import unescape

import numpy as np
import pandas
import pytest
from command_line import done

import twolayer as tl
from twolayer.estimators.uncertainty import influence
from twolayer.report import influential_rows

pytestmark = pytest.mark.usefixtures("blank_pictures")
ROWS = 60


def frame(**more):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, 3))
    y = x[:, 0] - x[:, 1] + 0.1 * rng.standard_normal(ROWS)
    return pandas.DataFrame(x, columns=["a", "b", "c"]).assign(y=y, **more)


def cells(page, title):
    """The head and the rows of the table of a section; None if there is no such section."""
    section = re.search(rf"<h2>{title}.*?(?=<h2>|<footer)", page, re.S)
    if section is None:
        return None
    lines = re.findall(r"<tr>(.*?)</tr>", section.group(0), re.S)
    return [
        [unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line)]
        for line in lines
    ]


@pytest.fixture
def page_of(here, capsys):
    """Fit a table and return the page of its report, of this table or another."""

    def report(table, *more, target=("y",), other=None):
        table.to_csv("t.csv", index=False)
        named = [word for name in target for word in ("--target", name)]
        how = [
            *named,
            "--n-hidden",
            4,
            "--alpha",
            1,
            "--n-networks",
            2,
            "--scaling",
            "standard",
            "--force",
        ]
        code, _, err = done(capsys, "fit", "t.csv", *how, *more)
        assert code == 0, err
        (table if other is None else other).to_csv("u.csv", index=False)
        words = ["report", "t.twolayer.safetensors", "u.csv", "--repeats", 1]
        code, _, err = done(capsys, *words)
        assert code == 0, err
        return (here / "report" / "report.html").read_text(encoding="utf-8")

    return report


def test_a_mistake_in_the_table_is_first(page_of):
    table = frame(sample=[f"S{i:02}" for i in range(ROWS)])
    table.loc[20, "y"] = 30
    head, *lines = cells(page_of(table, "--seed", 1), "The most influential rows")
    assert head == ["row", "true value", "prediction", "left out", "change of all predictions"]
    assert len(lines) == 5
    name, true, fitted, without, _ = lines[0]
    assert (name, float(true)) == ("S20", 30)
    model = tl.load("t.twolayer.safetensors")
    x = table.loc[[20], ["a", "b", "c"]].to_numpy()
    assert float(fitted) == pytest.approx(model.without_feature_names().predict(x)[0], rel=1e-3)
    assert abs(float(without) - 30) > abs(float(fitted) - 30)


def test_rows_without_names_have_the_lines_of_the_file(page_of):
    table = frame()
    table.loc[20, "y"] = 30
    page = page_of(table, "--seed", 1)
    assert cells(page, "The most influential rows")[1][0] == "line 22"
    assert "is a linear model of the columns: the nearest linear model explains" in page
    assert "variance of its predictions on 60 rows" in page


def test_groups_are_named(page_of):
    table = frame(patient=[f"P&{i // 4:02}" for i in range(ROWS)])
    table.loc[20:23, "y"] += 20
    page = page_of(table, "--seed", 1, "--groups", "patient")
    head, first, *_ = cells(page, "The most influential groups")
    assert head[:3] == ["patient", "rows", "true value"]
    assert first[:2] == ["P&05", "4"]
    assert float(first[2]) == pytest.approx(table.loc[20:23, "y"].mean(), rel=1e-3)


def test_classes_have_probabilities_and_several_targets_errors(page_of):
    table = frame()
    table["y"] = np.where(table["y"] > 0, "high", "low")
    head, first, *_ = cells(page_of(table), "The most influential rows")
    assert head[1:] == ["probability of its class", "left out", "change of all logits"]
    assert all(cell.endswith("%") for cell in first[1:3])
    table = frame().assign(z=lambda own: np.abs(own["a"]))
    page = page_of(table, target=("y", "z"))
    head, first, *_ = cells(page, "The most influential rows")
    assert head[1:3] == ["its squared error", "left out"]
    assert float(first[2]) > float(first[1])
    assert "of what the network says about 'z'" in unescape(page)


def test_of_a_close_fit_the_numbers_are_called_rough(page_of):
    rng = np.random.default_rng(1)
    noise = pandas.DataFrame(rng.standard_normal((ROWS, 90))).add_prefix("g")
    table = noise.assign(y=rng.choice(["a", "b"], ROWS))
    rough = "these numbers are rough"
    assert rough in page_of(table, "--alpha", 0.01)
    assert rough not in page_of(table, "--alpha", 1000)


def test_the_rows_of_another_table_are_no_rows_of_training(page_of):
    page = page_of(frame(), other=frame().iloc[:40])
    assert cells(page, "The most influential") is None
    assert "How linear the network is" in page


@pytest.mark.parametrize(
    ("module", "limit"), [(influential_rows, "MAX_INFLUENCE_ROWS"), (influence, "LARGEST_CHANGES")]
)
def test_without_a_closed_form_there_is_no_table(page_of, monkeypatch, module, limit):
    monkeypatch.setattr(module, limit, 44)  # of 45 rows of training
    assert cells(page_of(frame()), "The most influential") is None
