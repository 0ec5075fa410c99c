"""Table options from the parameters of a command, and options that contradict each other."""

from pathlib import Path

import pytest

from twolayer import InputError
from twolayer.tables import TableOptions


def test_parameters_of_a_command_become_options():
    given = {
        "table": Path("x.csv"),
        "target": ["y", "z"],
        "id_column": "who",
        "category": "site",
        "labels": Path("l.xlsx"),
        "labels_sheet": 2,
        "delimiter": "tab",
        "drop": None,
        "n_hidden": 50,
    }
    assert TableOptions.of(given) == TableOptions(
        "x.csv",
        ("y", "z"),
        labels="l.xlsx",
        id="who",
        categories=("site",),
        labels_sheet="2",
        delimiter="\t",
    )


@pytest.mark.parametrize(("word", "delimiter"), [("space", " "), ("\\t", "\t"), (None, None)])
def test_delimiters_by_name(word, delimiter):
    assert TableOptions.of({"table": "x.csv", "delimiter": word}).delimiter == delimiter


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"task": "classificaton"}, "no task 'classificaton'.*did you mean 'classification'"),
        ({"groups": "g", "time": "t"}, "--groups and --time cannot be combined"),
        ({"labels_sheet": "2"}, "--labels-sheet needs --labels"),
        ({"delimiter": "||"}, r"--delimiter is one character, or the word tab; got '\|\|'"),
        ({"weights": "y"}, "column 'y' is named more than once"),
        ({"groups": "g", "weights": "g"}, "column 'g' is named more than once"),
        ({"groups": "g", "drop": ("a", "g")}, "column 'g' has a role .*take it out of --drop"),
    ],
)
def test_options_that_contradict_each_other(more, message):
    with pytest.raises(InputError, match=message):
        TableOptions("x.csv", ("y",), **more)
