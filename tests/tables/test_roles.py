"""The columns with a part of their own: weights, groups and time, where they stand and what they may hold."""

import pytest

from twolayer import InputError, tables
from twolayer.tables import TableOptions

TABLE = ",a,w,site,year,y\nr1,1.5,0,12345678901234567,2021,2.5\nr2,2.5,2,12345678901234568,2019,1.5\nr3,3.5,1,12345678901234567,2021,0.5\n"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)
    return str(tmp_path / "t.csv")


def test_weights_may_be_0_but_not_all(path, tmp_path):
    assert tables.read_dataset(TableOptions(path, ("y",), weights="w")).weights.tolist() == [
        0,
        2,
        1,
    ]
    (tmp_path / "none.csv").write_text("a,w,y\n1,0,2.5\n2,0,1.5\n")
    with pytest.raises(InputError, match="column 'w' is 0 in every row: nothing is left to fit"):
        tables.read_dataset(TableOptions(str(tmp_path / "none.csv"), ("y",), weights="w"))


def test_groups_are_told_apart_by_their_words(path):
    """As numbers of double precision the three would be one."""
    groups = tables.read_dataset(TableOptions(path, ("y",), groups="site")).groups
    assert groups.tolist() == [f"1234567890123456{last}" for last in "787"]


def test_the_time_may_be_a_number(path):
    assert tables.read_dataset(TableOptions(path, ("y",), time="year")).order.tolist() == [1, 0, 1]


@pytest.mark.parametrize("date", ["04.03.2021", "2021x", "2021-03", "4 Mar 2021"])
def test_a_time_has_the_year_first(tmp_path, date):
    (tmp_path / "t.csv").write_text(f"a,day,y\n1,2021-03-04,2\n2,{date},3\n")
    with pytest.raises(InputError, match="in line 3: the time of a row is a number, or a date"):
        tables.read_dataset(TableOptions(str(tmp_path / "t.csv"), ("y",), time="day"))


def test_the_names_of_rows_stay_when_another_column_goes(path):
    table, _ = tables.requested_table(TableOptions(path, ("y",), drop=("w",)))
    assert (table.id, table.names) == ("id", ["id", "a", "site", "year", "y"])
    table, _ = tables.requested_table(TableOptions(path, ("y",), drop=("id",)))
    assert (table.id, table.names[0]) == (None, "a")


def test_parts_may_stand_in_the_table_though_the_target_does_not(path, tmp_path):
    (tmp_path / "labels.csv").write_text("id,outcome\nr3,u\nr1,v\nr2,u\n")
    labels = str(tmp_path / "labels.csv")
    asked = TableOptions(path, ("outcome",), labels=labels, id="id", weights="w", groups="year")
    data = tables.read_dataset(asked)
    assert data.weights.tolist() == [0, 2, 1]
    assert data.groups.tolist() == ["2021", "2019", "2021"]
    assert data.target.values.tolist() == ["v", "u", "u"]


def test_labels_are_advised_only_of_a_table_that_is_turned(tmp_path):
    (tmp_path / "g.csv").write_text("a,b\n1,2\n3,4\n")
    path = str(tmp_path / "g.csv")
    with pytest.raises(InputError, match=r"has no column 'z': the columns are 'a', 'b'$"):
        tables.read_dataset(TableOptions(path, ("z",)))
    with pytest.raises(InputError, match=r"name the file that holds it with --labels$"):
        tables.read_dataset(TableOptions(path, ("z",), transpose=True))


def test_samples_with_numbers_for_names_are_joined_as_they_stand(tmp_path):
    """001 in a header is 001 in a column; and two of many digits are two."""
    long = "12345678901234567", "12345678901234568"
    for names in (("001", "002"), ("1.0", "1.00"), long):
        (tmp_path / "g.csv").write_text(f"gene,{names[0]},{names[1]}\nA,1,2\nB,3,4\n")
        (tmp_path / "x.csv").write_text(
            f"who,A,site\n{names[1]},2,{names[1]}\n{names[0]},1,{names[0]}\n"
        )
        (tmp_path / "l.csv").write_text(
            f"who,y,batch\n{names[1]},u,{names[1]}\n{names[0]},v,{names[0]}\n"
        )
        files = {"labels": str(tmp_path / "l.csv"), "id": "who"}
        data = tables.read_dataset(
            TableOptions(str(tmp_path / "g.csv"), ("y",), transpose=True, groups="batch", **files)
        )
        assert data.table.words("sample") == data.groups.tolist() == list(names)
        assert data.target.values.tolist() == ["v", "u"]
        data = tables.read_dataset(
            TableOptions(str(tmp_path / "x.csv"), ("y",), categories=("site",), **files)
        )
        assert data.table.words("who") == data.table.words("site") == list(names[::-1])
        assert data.target.values.tolist() == ["u", "v"]


def test_the_target_must_be_in_the_file_of_labels(path, tmp_path):
    (tmp_path / "labels.csv").write_text("id,outcome\nr3,u\nr1,v\n")
    labels = str(tmp_path / "labels.csv")
    with pytest.raises(InputError, match=r"labels\.csv has no column 'y': the columns are 'id'"):
        tables.read_dataset(TableOptions(path, ("y",), labels=labels, id="id"))
