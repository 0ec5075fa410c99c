"""Numbers with a percent sign or a decimal comma; expected values are written out by hand."""

import numpy as np
import pytest

from twolayer import InputError, tables
from twolayer.tables import TableOptions


def table_of(tmp_path, text, **asked):
    path = tmp_path / "t.csv"
    path.write_text(text)
    return tables.requested_table(TableOptions(str(path), ("y",), **asked))


def column(*fields, mark=";"):
    return f"a{mark}y\n" + "".join(f"{field}{mark}{k % 2}\n" for k, field in enumerate(fields))


@pytest.mark.parametrize(
    ("fields", "values", "line"),
    [
        (["88.5 %", "42.1%", "NA", "7%"], [88.5, 42.1, np.nan, 7], "percent signs in 'a': 88.5%"),
        (["3,5", "2", "", "-0,25"], [3.5, 2, np.nan, -0.25], "decimal commas in 'a': 3,5"),
        (["1,5E-05", "2,0", "3"], [1.5e-5, 2, 3], "decimal commas in 'a'"),
        (["88,5%", "1,234%"], [88.5, 1.234], "percent signs in 'a'"),
        (["0,123", "1,234"], [0.123, 1.234], "decimal commas in 'a'"),
    ],
)
@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_spellings_are_read_and_said(tmp_path, fields, values, line, mark):
    table, said = table_of(tmp_path, column(*fields, mark=mark))
    np.testing.assert_array_equal(table.column("a"), values)
    assert any(one.startswith(line) for one in said)
    assert "a" in tables.column_kinds(table, ["y"]).numbers


def test_one_clear_column_settles_the_commas_of_the_others(tmp_path):
    table, said = table_of(tmp_path, "a;b;y\n1,234;0,5;1\n2,345;0,25;0\n")
    assert table.column("a").tolist() == [1.234, 2.345]
    assert said == ["decimal commas in 'a', 'b': 3,5 is read as 3.5"]


@pytest.mark.parametrize(
    "text",
    [
        'a,b,y\n"3,5","1,5",1\n"4,5","2,5",0\n',  # commas between the fields too
        "a;b;y\n1,234;2,345;1\n2,345;3,456;0\n",  # thousands, perhaps
        "a;b;c;y\n1,5;2,5;1,234,567;1\n3,5;2,25;1,234,568;0\n",  # thousands elsewhere
    ],
)
def test_commas_that_could_mean_either_are_refused_all_at_once(tmp_path, text):
    table, said = table_of(tmp_path, text)
    assert said == []
    with pytest.raises(InputError, match=r"'a' holds numbers with a comma.*, and so do 'b'.*tabs"):
        tables.column_kinds(table, ["y"])


def test_some_fields_with_a_percent_sign_and_some_without_are_refused(tmp_path):
    table, _ = table_of(tmp_path, column("88%", "0.5", "42%"))
    with pytest.raises(
        InputError, match=r"'a' holds .* with and without a percent .* '88%' and '0.5"
    ):
        tables.column_kinds(table, ["y"])


@pytest.mark.parametrize(
    ("fields", "side"),
    [
        (["0.7", "<0.5", "1.2"], "below"),
        (["<0.5", "<0.5", "1.2"], "below"),
        (["0,7", "< 0,5", "1,2"], "below"),
        (["70%", "<5%", "12%"], "below"),
        (["1", "2", ">100"], "above"),
    ],
)
def test_a_value_beyond_the_limit_of_detection_is_no_category(tmp_path, fields, side):
    table, _ = table_of(tmp_path, column(*fields))
    with pytest.raises(
        InputError, match=f"'a' .*a value {side} the limit of detection: put a"
    ) as got:
        tables.column_kinds(table, ["y"])
    assert "--category" not in str(got.value)


def test_what_is_no_number_by_its_part_stays_as_it_stands(tmp_path):
    fields = ["5%", "10%"] * 6
    table, said = table_of(tmp_path, column(*fields), categories=("a",))
    assert (table.words("a"), said) == (fields, [])
    assert tables.column_kinds(table, ["y"], ["a"]).categories == ["a"]


def test_predict_reads_them_too(tmp_path, twolayer):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40)).round(3)
    rows = list(zip(a.tolist(), (40 + b).round(3).tolist(), (a + b).round(3).tolist(), strict=True))
    plain, other = tmp_path / "plain.csv", tmp_path / "other.csv"
    plain.write_text("a,b,y\n" + "".join(f"{p},{q},{y}\n" for p, q, y in rows))
    lines = "".join(f"{p};{q} %;{y}\n" for p, q, y in rows)
    other.write_text("a;b;y\n" + lines.replace(".", ","))
    model = tmp_path / "plain.twolayer.safetensors"
    assert twolayer("fit", plain, "--target", "y", "--alpha", 1, "--out", tmp_path)[0] == 0
    code, expected, _ = twolayer("predict", model, plain)
    assert code == 0
    code, out, err = twolayer("predict", model, other)
    assert (code, out) == (0, expected)
    assert "decimal commas in 'a', 'b'" in err
    assert "percent signs in 'b'" in err
