"""Names of samples that are nearly alike in two files, and samples that find no partner."""

import re

import pytest

from twolayer import InputError, tables
from twolayer.tables import TableOptions


@pytest.fixture
def said_of(tmp_path):
    """What is said when these samples of a table are joined to these of a file of labels."""

    def said_of(samples, labelled):
        genes, labels = tmp_path / "genes.csv", tmp_path / "labels.csv"
        genes.write_text("who,a\n" + "".join(f"{name},{k}.5\n" for k, name in enumerate(samples)))
        lines = "".join(f"{name},{k % 2}\n" for k, name in enumerate(labelled))
        labels.write_text("who,y\n" + lines)
        _, said = tables.requested_table(
            TableOptions(str(genes), ("y",), labels=str(labels), id="who")
        )
        return [line.replace(str(tmp_path) + "/", "") for line in said]

    return said_of


NAMES = [f"{k:03}-A" for k in range(20)]


def test_names_that_differ_in_case_or_marks_are_shown(said_of):
    other = [*NAMES[:18], "018-a", "_019 A"]
    assert said_of(NAMES, other) == [
        "warning: 2 rows are in genes.csv but not in labels.csv, and left out: '018-A', '019-A'; 2 of them differ from a "
        "name there in case or marks only ('018-A' and '018-a'): spell them alike in both files",
        "2 rows are in labels.csv but not in genes.csv, and left out: '018-a', '_019 A'",
    ]


def test_names_without_letters_and_digits_are_not_all_alike(said_of):
    assert said_of([*NAMES, "-"], [*NAMES, "+"])[0].endswith("left out: '-'")


@pytest.mark.parametrize(("gone", "start"), [(4, "4 rows are"), (5, "warning: 5 of 20 rows are")])
def test_more_than_a_fifth_without_a_partner_is_a_warning(said_of, gone, start):
    assert said_of(NAMES, NAMES[gone:])[0].startswith(f"{start} in genes.csv but not in labels.csv")
    assert said_of(NAMES[gone:], NAMES)[0].startswith(f"{start} in labels.csv but not in genes")


def test_no_name_in_both_says_what_differs(said_of):
    told = "20 of them differ from a name there in case or marks only ('000-A' and '000-a')"
    with pytest.raises(InputError, match=re.escape(told)):
        said_of(NAMES, [name.lower() for name in NAMES])
