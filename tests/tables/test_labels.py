"""Samples in columns, and labels in another file."""

from datetime import datetime

import numpy as np
import pytest

from twolayer import InputError, TwoLayerError, tables
from twolayer.tables import TableOptions
from twolayer.tables.transpose import transpose_table

GENES = "gene,s1,s2,s3,s4\nBRCA1,1,2,3,4\nTP53,5,6,7,8\nMYC,9,10,11,12\n"
LABELS = "patient,outcome,age\ns4,sick,50\ns2,well,40\ns1,sick,30\ns9,well,20\n"


@pytest.fixture
def files(tmp_path):
    def write(**contents):
        paths = []
        for name, content in contents.items():
            path = tmp_path / f"{name}.csv"
            path.write_text(content)
            paths.append(str(path))
        return paths

    return write


def test_genes_in_rows(files):
    (path,) = files(genes=GENES)
    table = transpose_table(tables.read_table(path))
    assert table.names == ["sample", "BRCA1", "TP53", "MYC"]
    assert table.id == "sample"
    assert table.words("sample") == ["s1", "s2", "s3", "s4"]
    assert table.inputs(["MYC", "BRCA1"]).tolist() == [[9, 1], [10, 2], [11, 3], [12, 4]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("gene,s1,s2\nA,1,2\nA,3,4\n", "rows 1 and 2 are both named 'A'"),
        (
            "gene,note,s1\nA,x,1\nB,y,2\n",
            "every column but the first is a sample of numbers, and 'note' holds",
        ),
        ("gene\nA\nB\n", "one column only"),
    ],
)
def test_tables_that_cannot_be_turned(files, content, message):
    (path,) = files(genes=content)
    with pytest.raises(TwoLayerError, match=message):
        transpose_table(tables.read_table(path))


def test_row_names_that_are_numbers_and_genes_named_like_samples(files):
    """R numbers the rows of a table without names, under a header that lacks a name."""
    (path,) = files(numbered=",s1,s2\n1,5,6\n2,7,8\n")
    table = transpose_table(tables.read_table(path))
    assert table.names == ["sample", "1", "2"]
    assert table.inputs(["1", "2"]).tolist() == [[5, 7], [6, 8]]
    assert np.isnan(table.column("sample")).all()
    (path,) = files(taken="gene,s1,s2\nsample,1,2\nid,3,4\n")
    table = transpose_table(tables.read_table(path))
    assert table.names == ["sample name", "sample", "id"]
    assert table.words("sample name") == ["s1", "s2"]


def test_a_table_without_names_is_turned_too(files):
    good, bad = files(good="a,b,c\n1,2,3\n4,5,6\n", bad="a,b,c\n1,2,3\n4,x,6\n")
    table = transpose_table(tables.read_table(good))
    assert table.names == ["x1", "x2"]
    assert table.numbers.tolist() == [[1, 4], [2, 5], [3, 6]]
    with pytest.raises(InputError, match="'b' holds 'x' in row 2, line 3: correct the field"):
        transpose_table(tables.read_table(bad))


def asked(genes, labels, **more):
    return TableOptions(genes, ("outcome",), labels=labels, **more)


def test_labels_are_joined_by_name_and_the_others_counted(files):
    genes, labels = files(genes=GENES, labels=LABELS)
    data = tables.read_dataset(asked(genes, labels, id="patient", transpose=True))
    assert data.table.words("sample") == ["s1", "s2", "s4"]
    assert data.target.values.tolist() == ["sick", "well", "sick"]
    assert data.table.inputs(["BRCA1", "TP53", "MYC"]).tolist() == [
        [1, 5, 9],
        [2, 6, 10],
        [4, 8, 12],
    ]
    assert data.kinds.numbers == ["BRCA1", "TP53", "MYC"]
    assert data.kinds.ids == ["sample"]
    one, two, three = data.notes
    assert one == f"warning: 1 of 4 rows is in {genes} but not in {labels}, and left out: 's3'"
    assert two == f"warning: 1 of 4 rows is in {labels} but not in {genes}, and left out: 's9'"
    assert three == f"{labels}: nothing is learned from its other columns: 'age'"


def test_labels_one_to_one(files):
    x, labels = files(x="a,b\n1,2\n3,4\n", labels="outcome\nu\nv\n")
    data = tables.read_dataset(asked(x, labels))
    assert data.target.values.tolist() == ["u", "v"]
    assert "one to one" in data.notes[0]


def test_groups_and_weights_may_stand_beside_the_labels(files):
    labels = "patient,outcome,batch,w,day\n"
    labels += "s4,sick,p,1,2021-01-03\ns2,well,q,2,2021-01-01\ns1,sick,p,3,2021-01-02\n"
    genes, path = files(genes=GENES, labels=labels)
    both = {"id": "patient", "transpose": True, "weights": "w"}
    data = tables.read_dataset(asked(genes, path, groups="batch", **both))
    assert data.groups.tolist() == ["p", "q", "p"]
    assert data.weights.tolist() == [3, 2, 1]
    assert tables.read_dataset(asked(genes, path, time="day", **both)).order.tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("labels", "more", "message"),
    [
        (LABELS, {"id": "patien"}, "no column 'patien'; did you mean 'patient'"),
        (LABELS + "s1,well,1\n", {"id": "patient"}, "rows 3 and 5 are both named 's1'"),
        (
            "patient,outcome\na,x\nb,y\n",
            {"id": "patient"},
            "no name in 'sample' .*such as 's1'.*such as 'a'",
        ),
        (
            LABELS + "s5,well,1\n",
            {},
            "2 names are only in .*labels.csv .*--id patient joins by name",
        ),
        (
            "patient,outcome\ns4,x\ns1,x\ns2,y\ns3,y\ns1,x\n",
            {},
            "rows 2 and 5 of .*labels.csv are both named 's1': give every row its own name",
        ),
        (
            "patient,outcome\na,x\nb,y\n",
            {},
            "has 4 rows and .* has 2: name the column .* with --id",
        ),
        (
            "patient,BRCA1,outcome\ns1,3,x\n",
            {"id": "patient", "weights": "BRCA1"},
            "'BRCA1' is both in",
        ),
    ],
)
def test_labels_that_do_not_fit(files, labels, more, message):
    genes, path = files(genes=GENES, labels=labels)
    with pytest.raises(TwoLayerError, match=message):
        tables.read_dataset(asked(genes, path, transpose=True, **more))


def test_rows_joined_by_a_column_are_told_by_its_names(files):
    x, labels = files(
        x="a,who\n1,s1\n2,s2\n3,s3\n", labels="who,outcome,w\ns3,u,1\ns1,v,-2\ns2,u,1\n"
    )
    data = tables.read_dataset(asked(x, labels, id="who"))
    assert data.table.id == "who"
    assert data.target.values.tolist() == ["v", "u", "u"]
    with pytest.raises(InputError, match="row 's1' has the weight -2 in column 'w'"):
        tables.read_dataset(asked(x, labels, id="who", weights="w"))


def test_turning_is_advised_only_where_it_would_help(files):
    genes, labels = files(genes=GENES, labels=LABELS)
    with pytest.raises(InputError, match="its columns are, so transpose it with --transpose"):
        tables.read_dataset(asked(genes, labels, id="patient"))
    genes, labels = files(genes=GENES, labels="patient,outcome\na,x\nb,y\n")
    with pytest.raises(InputError, match=r"\(such as 'a'\)$"):
        tables.read_dataset(asked(genes, labels, id="patient"))


def test_row_names_as_r_and_pandas_write_them(files):
    for content in (",a,y\ns1,1,2.5\ns2,3,4.5\n", '"a","y"\n"s1",1,2.5\n"s2",3,4.5\n'):
        (path,) = files(t=content)
        data = tables.read_dataset(TableOptions(path, ("y",)))
        assert data.kinds.ids == ["id"]
        assert data.kinds.numbers == ["a"]
        np.testing.assert_array_equal(data.target.values, [2.5, 4.5])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"weights": "w"}, "line 3 has the weight -1 in column 'w'"),
        ({"weights": "g"}, "column 'g' holds text"),
        ({"groups": "h"}, "line 3 has no value in column 'h'"),
        ({"groups": "na"}, "line 4 has no value in column 'na'"),
        ({"time": "g"}, "'p' in line 2: the time of a row is a number, or a date"),
        ({"groups": "y"}, "column 'y' is named more than once"),
        ({"drop": ("a", "b")}, "no column 'b'"),
        ({"drop": ("a", "w", "h", "g", "na")}, "has no column but the target 'y' to learn from"),
        ({"categories": ("zz",)}, "no column 'zz'"),
        ({"id": "zz"}, "no column 'zz'"),
    ],
)
def test_columns_that_cannot_play_their_part(files, more, message):
    (path,) = files(t="a,w,g,h,na,y\n1,1,p,u,u,0\n2,-1,q,,v,1\n3,2,p,v,NA,0\n")
    with pytest.raises(InputError, match=message):
        tables.read_dataset(TableOptions(path, ("y",), **more))


@pytest.mark.parametrize(
    ("form", "dates"),
    [
        ("%Y-%m-%d", ["2021-3-4", "2021-10-1", "2020-12-31", "2021-3-04"]),
        ("%Y/%m/%d %H:%M", ["2021/03/04 9:30", "2021/03/04 10:00", "2021/3/4 9:30"]),
        ("%Y-%m-%dt%H:%M", ["2021-03-04t10:30", "2021-03-04t9:45"]),
        (
            "%Y-%m-%d %I:%M %p",
            ["2021-3-4 1:00 pm", "2021-3-4 12:30 PM", "2021-3-4 12:10 AM", "2021-3-4 9:00 am"],
        ),
        (
            "%Y.%m.%dT%H:%M:%S.%f",
            ["2021.03.04T10:30:00.5", "2021.03.04T10:30:00.25", "2021.3.4T9:30:00.0"],
        ),
    ],
)
def test_dates_stand_in_the_order_of_time_however_they_are_written(files, form, dates):
    (path,) = files(t="a,day,y\n" + "".join(f"{i},{day},{i}\n" for i, day in enumerate(dates)))
    times = [datetime.strptime(day, form) for day in dates]
    expected = [sorted(set(times)).index(one) for one in times]
    assert tables.read_dataset(TableOptions(path, ("y",), time="day")).order.tolist() == expected


def test_several_targets(files):
    (path,) = files(t="a,y,z,k\n1,2,3,x\n2,3.5,4,y\n3,4,5,x\n")
    data = tables.read_dataset(TableOptions(path, ("z", "y")))
    assert data.target.task == "regression"
    assert data.target.values.tolist() == [[3, 2], [4, 3.5], [5, 4]]
    with pytest.raises(InputError, match="several targets must be numbers, and 'k' holds text"):
        tables.read_dataset(TableOptions(path, ("z", "k")))
    with pytest.raises(InputError, match="each is a label that a row has or has not"):
        tables.read_dataset(TableOptions(path, ("z", "y"), task="classification"))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("gene,s1,s2,s3\nA,1,2,3\n", "patient,outcome\ns3,30\ns1,10\ns2,20\n"),
        ("gene,001,002,003\nA,1,2,3\n", "nr,outcome\n003,30\n001,10\n002,20\n"),
        ("gene,7,8,9\nA,1,2,3\n", "batch,nr,outcome\n1,9,30\n1,7,10\n1,8,20\n"),
    ],
)
def test_labels_in_another_order_are_joined_by_the_names_that_both_files_have(files, left, right):
    genes, path = files(genes=left, labels=right)
    options = TableOptions(genes, ("outcome",), labels=path, transpose=True)
    table, notes = tables.requested_table(options)
    assert (table.column("outcome") == 10 * table.column("A")).all()
    assert any("joined by the names" in note for note in notes)


def test_rows_without_transposing_are_joined_by_names_too(files):
    table, path = files(
        x="id,a\n5,50\n3,30\n9,90\n1,10\n", labels="id,outcome\n1,1\n3,3\n5,5\n9,9\n"
    )
    joined, _ = tables.requested_table(TableOptions(table, ("outcome",), labels=path))
    assert (joined.column("a") == 10 * joined.column("outcome")).all()


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        (
            "id,a\nu,1\nv,2\nw,3\n",
            "id,y\nu,1\nw,2\nx,3\n",
            "only in .*'v'.* only in .*'x'.*--id id",
        ),
        ("name,a\nu,1\nv,2\nw,3\n", "who,y\nu,1\nw,2\nw,3\n", "--id who"),
        ("name,a\nS-1,1\nS-2,2\nS-3,3\n", "who,y\ns3,1\ns2,2\ns1,3\n", "spell them alike"),
        (
            "age,a\n30,1\n30,2\n31,3\n",
            "age,y\n31,1\n30,2\n30,3\n",
            "differs between them, as in row 1",
        ),
    ],
)
def test_rows_whose_names_contradict_are_not_taken_one_to_one(files, left, right, message):
    table, path = files(x=left, labels=right)
    with pytest.raises(InputError, match=message):
        tables.requested_table(TableOptions(table, ("y",), labels=path))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("id,a\n0,1\n1,2\n2,3\n", "id,y\n1,1\n2,2\n3,3\n"),  # pandas and R count the rows
        ("age,a\n30,1\n30,2\n31,3\n", "age,y\n30.0,1\n30.0,2\n31.0,3\n"),
        ("a,b\n1,2\n2,3\n3,1\n", "nr,y\n3,1\n2,2\n1,3\n"),  # numbers that only look alike
    ],
)
def test_rows_that_do_not_contradict_are_taken_one_to_one(files, left, right):
    table, path = files(x=left, labels=right)
    joined, notes = tables.requested_table(TableOptions(table, ("y",), labels=path))
    assert joined.column("y").tolist() == [1, 2, 3]
    assert any("one to one" in note for note in notes)
