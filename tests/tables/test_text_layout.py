"""Text files as instruments, R and spreadsheets write them: remarks, blanks, encodings, headers."""

import gzip

import numpy as np
import pytest

from twolayer import FileError, InputError, TwoLayerError, tables
from twolayer.tables import TableOptions
from twolayer.tables.readers.file_format import TextLayout
from twolayer.tables.readers.text_files import text_encoding
from twolayer.tables.transpose import transpose_table


@pytest.fixture
def written(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        ("a,b\n1,2\n3,4\n", {}),
        ("# by X200\n# operator: none, blank\n\na,b\n1,2\n3,4\n", {}),
        ("#a,b\n1,2\n3,4\n", {}),
        ("# remark\n#a\tb\n1\t2\n3\t4\n", {}),
        ("sep=;\na;b\n1;2\n3;4\n", {}),
        ("a b\n1 2\n3 4\n", {}),
        ("  a    b\n  1    2  \n 3\t4\n", {}),
        ('"a" "b"\n"1" 1 2\n"2" 3 4\n', {"id": True}),
        ("a,b\n1,1,2\n2,3,4\n", {"id": True}),
        ("a,b,\n1,2,\n3,4,\n", {}),
        ("a,b,,\n1,2,,\n3,4\n", {}),
        ("a,b\n1,2,\n3,4,\n", {}),
        ("a,b,\nu,1,2,\nv,3,4,\n", {"id": True}),
        ("a,b\nu,1,2\nv,3,4\n,,\n", {"id": True}),
        (",,\na,b,\n1,2,\n3,4,\n,,\n,,\n", {}),
        ("X200\nby me, at noon\na,b\n1,2\n3,4\n", {"skip_lines": 2}),
        ("% X200\na,b\n1,2\n% paused\n3,4\n", {"comment": "%"}),
        ("a|b\n1|2\n3|4\n", {}),
        ("\ufeffa,b\r\n1,2\r\n3,4\r\n", {}),
    ],
)
def test_the_same_table_in_another_layout(written, content, layout):
    named = layout.pop("id", False)
    path = written(content)
    read = (tables.read_table, lambda *a, **more: next(tables.stream_table(*a, **more)))
    for table in (one(path, layout=TextLayout(**layout)) for one in read):
        assert table.columns(table.names[-2:]).tolist() == [[1, 2], [3, 4]]
        assert len(table.names) == 2 + named


@pytest.mark.parametrize(
    "encoding", ["cp1252", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-8-sig"]
)
def test_western_encodings_are_detected(written, encoding):
    text = "größe,poids\n" + "".join(f"{k},{'forêt' if k % 2 else 'pré'}\n" for k in range(40))
    table = tables.read_table(written(text.encode(encoding)), ["poids"])
    assert table.names == ["größe", "poids"]
    assert table.words("poids")[:2] == ["pré", "forêt"]
    assert ("--encoding" in table.note) == (encoding in ("cp1252", "latin-1"))


def test_chinese_is_detected_and_what_cannot_be_is_refused_until_it_is_named(written):
    text = "体重,疾病\n" + "70,有\n65,无\n" * 20
    assert tables.read_table(written(text.encode("gbk"))).names == ["体重", "疾病"]
    russian = written(("вес,болен\n" + "70,да\n65,нет\n" * 20).encode("cp1251"))
    with pytest.raises(FileError, match="name its encoding with --encoding"):
        tables.read_table(russian)
    assert tables.read_table(russian, layout=TextLayout(encoding="cp1251")).names == [
        "вес",
        "болен",
    ]
    assert text_encoding(b"a,b\n\x00\xff\x00") == "unknown"


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("#1.2\n2\t1\nName\tDescription\ts1\nA\tna\t1\n", "x.gct", "a GCT file .*--skip-lines 2"),
        ('!Series_title\t"x"\n', "x.txt", "a GEO series matrix: .*--comment '!'"),
        ("% remark\n@RELATION iris\n@DATA\n1,2\n", "x.txt", "an ARFF file: in Python: from scipy"),
        ("@relation x\n", "x.arff", "an ARFF file"),
        ('[{"a": 1}]', "x.json", "is JSON: .*polars.read_json"),
        (b"\x89HDF\r\n", "x.h5", "an HDF5 file"),
        (b"PK\x03\x04....", "x.csv", "a zip file"),
        (b"\x89PNG\r\n", "x.csv", "a picture"),
        ("a,b\n1,2\n% end\n", "x.csv", "--comment '%'"),
        ("Made by X200\na,b\n1,2\n", "x.csv", "--skip-lines N"),
        ("a,b,a\n1,2,3\n", "x.csv", "--duplicates rename"),
        ("a,b,\n1,2,\n1,2,7\n", "x.csv", "column 3 has no name"),
        ("name,a,b,\nu,1,2,\nv,3,4,x\n", "x.csv", "column 4 has no name"),
    ],
)
def test_what_is_not_read_is_refused_with_what_brings_it_in(written, content, name, message):
    for packed in (False, True):
        data = content if isinstance(content, bytes) else content.encode()
        path = written(gzip.compress(data) if packed else data, name + ".gz" * packed)
        with pytest.raises(TwoLayerError, match=message):
            tables.read_table(path)


def test_a_gct_file_and_a_series_matrix_are_read_as_their_refusals_say(written):
    gct = written("#1.2\n2\t2\nName\tDescription\ts1\ts2\nA\tna\t1\t2\nB\tna\t3\t4\n", "x.gct")
    options = TableOptions.of(
        {"table": gct, "target": "B", "drop": ["Description"], "skip_lines": 2, "transpose": True}
    )
    assert tables.requested_table(options)[0].columns(["A", "B"]).tolist() == [[1, 3], [2, 4]]
    geo = written('!Series_title\t"x"\n!end\n"ID_REF"\t"G1"\t"G2"\n"A"\t1\t2\n"B"\t3\t4\n!end\n')
    table = transpose_table(tables.read_table(geo, layout=TextLayout(comment="!")))
    assert table.words("sample") == ["G1", "G2"]
    assert table.columns(["A", "B"]).tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("content", "warned"),
    [
        ("0.5,-1.2,M\n0.1,0.3,B\n-0.2,0.9,M\n", True),
        ("5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.3,setosa\n", True),
        ("red,yes,M\nred,no,M\nblue,yes,B\n", True),
        ("y,a\ny,1\nn,2\n", False),
        ("gene,1,2,3\nA,1,2,3\nB,3,4,5\n", False),
        ("id,850.5,852.5,854.5,856.5,858.5\ns,1,2,3,4,5\nt,1,2,3,4,5\n", False),
    ],
)
def test_a_header_that_looks_like_data_is_warned_of(written, content, warned):
    path = written(content)
    assert ("--no-header" in tables.read_table(path).note) == warned
    table = tables.read_table(path, layout=TextLayout(has_header=False))
    assert table.names == [f"x{k + 1}" for k in range(content.split("\n")[0].count(",") + 1)]
    assert table.n_rows == content.count("\n")
    assert table.lines[0] == 1


def test_more_texts_mean_no_value(written):
    path = written("a,b\n1,u\n-999,unknown\n3,Unknown\n")
    table = tables.read_table(path, layout=TextLayout(missing=("-999", "unknown")))
    np.testing.assert_array_equal(table.column("a"), [1, np.nan, 3])
    assert table.words("b") == ["u", "", ""]


def test_equal_names_are_numbered_if_asked(written):
    path = written("a,a.1,a,b\n1,2,3,4\n")
    names = tables.read_table(path, layout=TextLayout(rename_duplicates=True)).names
    assert names == ["a", "a.1", "a.2", "b"]
    genes = written("g,s1,s2\nA,1,2\nA,3,4\n")
    with pytest.raises(FileError, match="both named 'A'"):
        transpose_table(tables.read_table(genes))
    assert transpose_table(tables.read_table(genes), rename=True).names == ["sample", "A", "A.1"]


@pytest.mark.parametrize(
    ("first", "rows", "named"),
    [
        ("wavelength (nm)", [850, 852], True),
        ("Raman shift", [12, 7], True),
        ("s0", [1.5, 0.2], False),
        ("x", [850 + 2 * k for k in range(12)], True),
    ],
)
def test_numbers_in_front_name_the_rows_of_a_table_to_transpose(written, first, rows, named):
    path = written(f"{first},s1,s2\n" + "".join(f"{v},1,2\n" for v in rows))
    table = transpose_table(tables.read_table(path))
    assert table.n_rows == 2 + (not named)
    known = transpose_table(tables.read_table(path), samples=[first, "s1", "s2"])
    assert known.n_rows == 3  # the labels name the first column too: it is a sample


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"encoding": "utf-9"}, "no encoding 'utf-9'"),
        ({"encoding": "hex"}, "no encoding 'hex'"),
        ({"comment": " "}, "--comment needs"),
        ({"skip_lines": -1}, "--skip-lines must be"),
        ({"duplicates": "drop"}, "no choice for --duplicates 'drop'"),
    ],
)
def test_layouts_that_mean_nothing_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        TableOptions.of({"table": "x", "target": "y", **given})


@pytest.mark.parametrize("option", [{"skip_lines": 1}, {"comment": "#"}, {"encoding": "utf-8"}])
def test_options_of_text_files_are_refused_for_others(tmp_path, option):
    path = tmp_path / "t.npy"
    np.save(path, np.ones((3, 2)))
    with pytest.raises(InputError, match="leave it out"):
        tables.read_table(path, layout=TextLayout(**option))
