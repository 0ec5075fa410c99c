"""Excel's .xlsx. openpyxl reads them: the files here are XlsxWriter's, or their parts are written by hand."""

import datetime
import io
import json
import random
import sys
import zipfile

import numpy as np
import polars
import pytest
import xlsxwriter
from slow_cases import slow
from xlsxwriter.utility import xl_col_to_name

from twolayer import FileError, InputError, tables
from twolayer.errors import TwoLayerError
from twolayer.tables import TableOptions
from twolayer.tables.readers import excel

DAY = datetime.datetime(2021, 3, 4)


def book(path, sheets, formats=None, **settings):
    """Write rows into sheets, at their upper left; `formats`: of the cells below the header, by column."""
    with xlsxwriter.Workbook(path, settings) as made:
        known = {j: made.add_format({"num_format": form}) for j, form in (formats or {}).items()}
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for i, row in enumerate(rows):
                for j, value in enumerate(row):
                    sheet.write(i, j, value, known.get(j) if i else None)
    return str(path)


def changed(path, part, old, new):
    """Write a file again with something else in one of its parts."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    assert old in parts[part]
    parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)


SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


def by_hand(path, cells, strings=""):
    """A file whose only sheet holds these rows of XML, and these shared texts."""
    book(path, {"Sheet": [["a"]]})
    for part, tag, content in ((SHEET, b"sheetData>", cells), (STRINGS, b"si>", strings)):
        with zipfile.ZipFile(path) as file:
            before = file.read(part).split(b"<" + tag)[1].split(b"</" + tag)[0]
        if part == STRINGS:
            changed(path, part, b"<si>" + before + b"</si>", content.encode())
        else:
            changed(path, part, before, content.encode())
    return str(path)


def patients(n=40):
    rng = np.random.default_rng(0)
    age = rng.integers(20, 80, n).tolist()
    return polars.DataFrame(
        {
            "patient": [f"P{i:02}" for i in range(n)],
            "age": [None if i % 7 == 3 else a for i, a in enumerate(age)],
            "smoker": rng.choice([True, False], n),
            "tissue": [None if i % 11 == 5 else t for i, t in enumerate(rng.choice(["liver", "lung"], n).tolist())],
            "gene, A": rng.standard_normal(n).round(6),  # XlsxWriter writes 16 digits
            "note": ['says "x"'] * n,
            "y": (0.1 * np.array(age)).round(3),
        }
    )  # fmt: skip


def rows_of(frame):
    return [frame.columns, *(list(row) for row in frame.iter_rows())]


def test_cells_are_what_the_fields_of_a_csv_file_are(tmp_path):
    path = book(tmp_path / "p.xlsx", {"Sheet": rows_of(patients())})
    patients().write_csv(tmp_path / "p.csv")
    found, expected = tables.read_table(path), tables.read_table(tmp_path / "p.csv")
    assert found.names == expected.names
    np.testing.assert_array_equal(found.numbers, expected.numbers)
    assert found.texts == expected.texts
    np.testing.assert_array_equal(found.lines, expected.lines)
    assert found.note == ""


def test_numbers_are_right_to_the_last_bit(tmp_path):
    values = [0.1, 1 / 3, 1e-300, -1.7e308, 123456789012345678, 2**53 + 2, 0, -0.0, 5e-324]
    cells = "".join(f"<row><c><v>{value:.17g}</v></c></row>" for value in values)
    path = by_hand(tmp_path / "t.xlsx", f'<row><c t="str"><v>a</v></c></row>{cells}')
    assert tables.read_table(path).column("a").tolist() == [float(v) for v in values]


def test_long_numbers_of_samples_keep_their_digits(tmp_path):
    ids = ["900719925474099299", "12345678901234567890123", "0.1", "n.d."]
    cells = "".join(f"<row><c><v>{value}</v></c></row>" for value in ids[:2])
    cells += "<row><c><v>0.10000000000000001</v></c></row>"  # as Excel writes 0.1
    head, last = ('<row><c t="str"><v>' + word + "</v></c></row>" for word in ("a", "n.d."))
    assert tables.read_table(by_hand(tmp_path / "t.xlsx", head + cells + last)).texts["a"] == ids


def test_a_far_cell_takes_its_place_only(tmp_path):
    far = '<row><c t="str"><v>a</v></c><c r="XFD1" t="str"><v>b</v></c></row><row r="1048576"><c><v>1</v></c><c r="XFD1048576"><v>5</v></c></row>'
    found = tables.read_table(by_hand(tmp_path / "t.xlsx", far))
    assert (found.names, found.numbers.tolist()) == (["a", "b"], [[1, 5]])
    assert found.where(0) == "line 1048576"


def test_a_text_far_down_is_not_lost(tmp_path):
    rows = [["a", "b"], *([i, 1] for i in range(1500)), ["n.d.", 1]]
    found = tables.read_table(book(tmp_path / "t.xlsx", {"Sheet": rows}))
    assert found.first_text("a") == (1500, "n.d.")
    assert found.where(1500) == "line 1502"


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (DAY, "yyyy-mm-dd", "2021-03-04"),
        (DAY, "dd/mm/yy", "2021-03-04"),
        (DAY, "mmm-yy", "2021-03-04"),
        (DAY.replace(hour=13, minute=5, second=59), "m/d/yy h:mm", "2021-03-04 13:05:59"),
        (datetime.time(8, 30), "h:mm", "08:30:00"),
        (44259, "General", "44259"),
        (44259, "0.00E+00", "44259"),
        (44259, '#,##0 "days"', "44259"),
        (44259, "[Red]#,##0_d", "44259"),
        (1.5, "[h]:mm:ss", "1.5"),  # 36 hours
        (1.5, "[hh]:mm", "1.5"),
        (DAY, 14, "2021-03-04"),  # known by number: ECMA-376, part 1, 18.8.30
        (DAY, 31, "2021-03-04"),
        (DAY, 57, "2021-03-04"),
        (44259, 9, "44259"),
    ],
)
@pytest.mark.parametrize("date_1904", [False, True])
def test_dates_are_told_from_numbers_by_their_format(tmp_path, value, form, expected, date_1904):
    rows = [["a", "b"], [value, 1]]
    path = book(tmp_path / "t.xlsx", {"S": rows}, {0: form}, date_1904=date_1904)
    assert tables.read_table(path).words("a") == [expected]


def test_a_date_is_refused_as_in_a_csv_file(tmp_path):
    rows = [["a", "visit", "y"], *([i + 0.5, DAY, 0.5 * i] for i in range(12))]
    asked = TableOptions(book(tmp_path / "t.xlsx", {"Sheet": rows}, {1: "dd.mm.yyyy"}), ("y",))
    with pytest.raises(InputError, match=r"column 'visit' holds dates, such as '2021-03-04'"):
        tables.read_dataset(asked)


def test_blank_rows_and_columns_are_no_part_of_it_and_lines_are_the_sheets(tmp_path):
    rows = [[], [None, "a", None, "b"], [], [None, 1, " ", 2], [], [None, 3, None, "x"]]
    found = tables.read_table(book(tmp_path / "t.xlsx", {"Sheet": rows}))
    assert found.names == ["a", "b"]
    np.testing.assert_array_equal(found.numbers, [[1, 2], [3, np.nan]])
    assert found.lines.tolist() == [4, 6]


@pytest.mark.parametrize("head", [[None, "a", "b"], ["a", "b", None]])
def test_names_of_rows_as_r_writes_them(tmp_path, head):
    rows = [head, ["r1", 1, 2], ["r2", 3, 4]]
    found = tables.read_table(book(tmp_path / "t.xlsx", {"Sheet": rows}))
    assert (found.names, found.id) == (["id", "a", "b"], "id")
    assert found.words("id") == ["r1", "r2"]


def test_what_other_programs_write(tmp_path):
    path = by_hand(
        tmp_path / "t.xlsx",
        '<row><c t="inlineStr"><is><t>a</t></is></c><c t="inlineStr"><is><r><t>b</t></r><r><t xml:space="preserve"> c</t>'
        '</r></is></c><c t="str"><v>d</v></c></row>\n<row r="5"> <c r="A5" t="str"><f>"x"&amp;1</f><v>x1</v></c>\n <c r="B5"><f>1/4</f>'
        '<v>0.25</v></c></row><row r="6"><c r="B6" t="e"><v>#DIV/0!</v></c><c t="d"><v>2021-03-04</v></c></row>'
        '<row r="7"><c r="A7" t="e"><v>#N/A</v></c><c r="C7" t="b"><v>1</v></c></row>',
    )
    found = tables.read_table(path)
    assert found.names == ["a", "b c", "d"]
    assert found.texts["a"] == ["x1", "", "#N/A"]
    assert found.texts["b c"] == ["0.25", "#DIV/0!", ""]
    assert found.texts["d"] == ["", "2021-03-04", "true"]
    assert found.lines.tolist() == [5, 6, 7]


def test_texts_in_parts_and_how_they_are_spoken(tmp_path):
    path = by_hand(
        tmp_path / "t.xlsx",
        '<row><c t="s"><v>1</v></c><c t="s"><v>0</v></c></row><row><c><v>1</v></c><c t="s"><v>2</v></c></row>',
        '<si><t xml:space="preserve"> b </t></si>'
        '<si><r><t>a</t></r><r><t>b</t></r><rPh sb="0" eb="1"><t>SPOKEN</t></rPh></si><si><t/></si>',
    )
    found = tables.read_table(path)
    assert found.names == ["ab", "b"]
    np.testing.assert_array_equal(found.numbers, [[1, np.nan]])


def test_elements_may_have_prefixes(tmp_path):
    path = book(tmp_path / "t.xlsx", {"Sheet": [["a", "b"], [1, 2]]})
    with zipfile.ZipFile(path) as file:
        text = file.read(SHEET)
    prefixed = text.replace(b"</", b"</x:").replace(b"<", b"<x:").replace(b"<x:/x:", b"</x:")
    prefixed = prefixed.replace(b"<x:?", b"<?").replace(b"xmlns=", b"xmlns:x=")
    changed(path, SHEET, text, prefixed)
    assert tables.read_table(path).inputs(["a", "b"]).tolist() == [[1, 2]]


# ---- formulas


ROWS = [["a", "b"], [1, 2], [3, 4]]
NO_VALUE = "<row><c><v>2</v></c><c><f>A3+1</f>{}</c></row>"
CALCULATED = '<row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row><row><c><v>1</v></c><c><f>A2+1</f><v>7</v></c></row>'


@pytest.mark.parametrize("value", ["", "<v/>", "<v></v>"])
def test_a_formula_without_its_value_is_refused(tmp_path, value):
    path = by_hand(tmp_path / "t.xlsx", CALCULATED + NO_VALUE.format(value))
    with pytest.raises(
        FileError, match="cell B3 holds a formula without its value: open the file in"
    ):
        tables.read_table(path)


def test_the_values_of_formulas_and_empty_cells_are_read(tmp_path):
    empty = '<row><c><v>2</v></c><c s="0"/></row><row><c><v>3</v></c><c t="str"><f>""</f><v></v></c></row>'
    found = tables.read_table(by_hand(tmp_path / "t.xlsx", CALCULATED + empty))
    np.testing.assert_array_equal(found.numbers, [[1, 7], [2, np.nan], [3, np.nan]])


def test_formulas_of_another_sheet_do_not_matter(tmp_path):
    path = tmp_path / "t.xlsx"
    with xlsxwriter.Workbook(path) as made:
        first, second = made.add_worksheet("S"), made.add_worksheet("T")
        for i, row in enumerate(ROWS):
            first.write_row(i, 0, row)
        first.write_blank(2, 2, None, made.add_format({"bold": True}))
        second.write_row(0, 0, ["a"])
        second.write_formula(1, 0, "=1+1", None, "")
    assert tables.read_table(path).n_rows == 2
    with pytest.raises(FileError, match="cell A2 holds a formula without its value"):
        tables.read_table(path, sheet="T")


# ---- which sheet


BOOK = {
    "read me": [["made by me"], ["see the others"]],
    "genes": [["gene", *(f"s{i}" for i in range(12))], *([g, *(k * i % 7 for i in range(12))] for k, g in enumerate("ABC", 1))],
    "samples": [["sample", "state"], *([f"s{i}", ["well", "ill"][i % 2]] for i in reversed(range(12)))],
}  # fmt: skip


def test_which_sheet_is_read_is_said(tmp_path):
    path = book(tmp_path / "t.xlsx", BOOK)
    found = tables.read_table(path)
    assert found.names == ["made by me"]
    assert found.note == (
        "sheet 'read me' was read, the first of 3; --sheet chooses another: 'genes', 'samples'"
    )
    for sheet in ("samples", "3"):
        found = tables.read_table(path, sheet=sheet)
        assert (found.names, found.note) == (["sample", "state"], "")
        assert [t.names for t in tables.stream_table(path, sheet=sheet)] == [found.names]


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        ("sample", "has no sheet 'sample'; did you mean 'samples'"),
        ("4", "has no sheet '4'"),
        ("²", "has no sheet '²'"),
        ("0", "has no sheet '0': the sheets are 'read me', 'genes', 'samples'"),
    ],
)
def test_a_sheet_that_is_not_there(tmp_path, sheet, message):
    path = book(tmp_path / "t.xlsx", BOOK)
    with pytest.raises(InputError, match=message):
        tables.read_table(path, sheet=sheet)


def test_only_excel_files_have_sheets(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    for read in (tables.read_table, lambda *a, **k: list(tables.stream_table(*a, **k))):
        with pytest.raises(InputError, match=r"--sheet is for Excel files, and .*t\.csv is none"):
            read(tmp_path / "t.csv", sheet="x")


def test_the_commands_take_sheets(here, twolayer):
    book("t.xlsx", BOOK)
    shared = ["--transpose", "--sheet", "genes", "--labels", "t.xlsx", "--id", "sample"]
    chosen = [*shared, "--labels-sheet", "samples"]
    quick = ["--n-hidden", "3", "--max-iter", "5", "--alpha", "1", "--n-networks", "1"]
    code, _, err = twolayer("fit", "t.xlsx", "--target", "state", *shared, *quick)
    assert code == 2
    assert "t.xlsx has no column" in err
    code, out, err = twolayer("fit", "t.xlsx", "--target", "state", *chosen, *quick)
    assert code == 0, err
    assert "was read, the first" not in out
    assert "'sample' names the rows" in out
    text = (here / "t.fit.toml").read_text()
    assert 'sheet = "genes"\n' in text
    assert 'labels_sheet = "samples"\n' in text
    assert twolayer("fit", "--config", "t.fit.toml", "-q") == (0, "", "")
    code, out, _ = twolayer("evaluate", "t.twolayer.safetensors", "t.xlsx", *chosen, "--json")
    assert json.loads(out)["rows"] == 12
    code, out, err = twolayer(
        "predict", "t.twolayer.safetensors", "t.xlsx", "--transpose", "--sheet", "2"
    )
    assert code == 0, err
    assert polars.read_csv(io.StringIO(out))["sample"].to_list() == [f"s{i}" for i in range(12)]
    code, _, err = twolayer("fit", "t.xlsx", "--target", "state", "--labels-sheet", "samples")
    assert (code, "--labels-sheet needs --labels" in err) == (2, True)


def test_the_first_of_several_sheets_is_said_by_fit_and_predict(here, twolayer):
    rows = rows_of(patients())
    book("t.xlsx", {"data": rows, "more": [["x"], [1]]})
    note = "sheet 'data' was read, the first of 2; --sheet chooses another: 'more'"
    code, out, _ = twolayer("fit", "t.xlsx", "--target", "y", "--max-iter", "3", "--alpha", "1")
    assert (code, f"  {note}\n" in out) == (0, True)
    _, _, err = twolayer("predict", "t.twolayer.safetensors", "t.xlsx")
    assert f"{note}\n" in err


# ---- what is no table


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        ({"S": []}, "sheet 'S' is empty$"),
        ({"S": [], "T": ROWS}, "sheet 'S' is empty; --sheet chooses another: 'T'$"),
        ({"S": ROWS[:1]}, "has a header but no rows"),
        ({"S": [["Table 1"], [], ["a", "b", "c"], [1, 2, 3]]}, "holds 'Table 1' only, and it must"),
        ({"S": [["a", "a"], [1, 2]]}, "columns 1 and 2 are both named 'a'"),
        ({"S": [["a", None, "b"], [1, 2, 3]]}, "column 2 has no name"),
    ],
)
def test_sheets_that_are_no_tables(tmp_path, sheets, message):
    path = book(tmp_path / "t.xlsx", sheets)
    with pytest.raises(FileError, match=message):
        tables.read_table(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty$"),
        (b"a,b\n1,2\n", "is not an Excel file, though its name says so"),
        (b"\xd0\xcf\x11\xe0 and more", "of the older kind, .xls, or has a password"),
        (b"PK\x03\x04 and no more", "cannot be read as an Excel file: File is not a zip file"),
    ],
)
@pytest.mark.parametrize("name", ["t.xlsx", "t.xls", "t.ods"])
def test_files_that_are_no_excel_files(tmp_path, content, message, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=message) as caught:
        tables.read_table(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_the_content_tells_an_excel_file_not_the_rest_of_its_name(tmp_path):
    path = book(tmp_path / "t.xls", {"S": ROWS})
    assert tables.read_table(path).numbers.tolist() == ROWS[1:]


def test_what_reads_excel_files_may_be_missing(here, twolayer, monkeypatch):
    book("t.xlsx", {"S": ROWS})
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    code, _, err = twolayer("fit", "t.xlsx", "--target", "b")
    assert (code, err.count("\n")) == (2, 1)
    assert (
        "t.xlsx is an Excel file, and openpyxl, which reads them, is not installed: pip install openpyxl"
        in err
    )


def test_what_no_table_needs_is_passed_over(tmp_path):
    path = book(tmp_path / "t.xlsx", {"S": ROWS})
    more = b'<extLst><ext uri="{CCE6A557-97BC-4B89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
    changed(path, SHEET, b"</worksheet>", more)
    assert tables.read_table(path).n_rows == 2  # openpyxl warns


def test_strict_files_are_told(tmp_path):
    path = book(tmp_path / "t.xlsx", {"S": ROWS})
    loose, strict = (
        b"http://schemas.openxmlformats.org/officeDocument/2006/",
        b"http://purl.oclc.org/ooxml/officeDocument/",
    )
    changed(path, "xl/workbook.xml", loose, strict)
    changed(path, "xl/_rels/workbook.xml.rels", loose, strict)
    with pytest.raises(
        FileError, match="has no sheet of cells that can be read: save it as an ordinary"
    ):
        tables.read_table(path)


def test_another_kind_of_spreadsheet(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as file:
        file.writestr("content.xml", "<x/>")
    with pytest.raises(FileError, match=r"is not an \.xlsx file: save it as \.xlsx, or as CSV"):
        tables.read_table(tmp_path / "t.ods")


@pytest.mark.parametrize("n", [900, *slow(9000)])
def test_hostile_files_are_refused_at_no_cost(tmp_path, monkeypatch, n):
    """With the limit as it is, and with one for tables of a tenth of the rows and of the columns."""
    monkeypatch.setattr(excel, "FEW_CELLS", excel.FEW_CELLS * n**2 // 9000**2)
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>5</v></c></row>'
    with pytest.raises(FileError, match="has no name in the header"):
        tables.read_table(by_hand(tmp_path / "far.xlsx", far))
    names = "".join(f'<c t="str"><v>n{j}</v></c>' for j in range(n))
    strewn = "".join(
        f'<row r="{i}"><c r="{xl_col_to_name(i)}{i}"><v>1</v></c></row>'
        for i in range(2, n - n // 90)
    )
    with pytest.raises(FileError, match=r"cells are spread over 8\d+ rows and 8\d+ columns"):
        tables.read_table(by_hand(tmp_path / "strewn.xlsx", f"<row>{names}</row>{strewn}"))
    below = '<row><c t="str"><v>1</v></c></row>' * (n // 2)
    with pytest.raises(FileError, match=f"cells are spread over {n // 2} rows and {n} columns"):
        tables.read_table(by_hand(tmp_path / "below.xlsx", f"<row>{names}</row>{below}"))
    for place in ("A0B", "ZZZZ1", "ÄÖ1", "1"):
        cell = f'<row><c r="{place}"><v>1</v></c></row>'
        with pytest.raises(
            FileError, match=r"cannot be read as an Excel file: .*save it there as CSV"
        ):
            tables.read_table(by_hand(tmp_path / "bad.xlsx", cell))
    with pytest.raises(FileError, match="it has a row beyond 1048576"):
        tables.read_table(
            by_hand(tmp_path / "row.xlsx", '<row r="9999999999999"><c><v>1</v></c></row>')
        )


def test_entities_do_not_unfold_without_end(tmp_path):
    path = book(tmp_path / "t.xlsx", {"S": ROWS})
    many = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    kinds = f'<!DOCTYPE worksheet [<!ENTITY e0 "ha">{many}]><worksheet'
    changed(path, SHEET, b"<worksheet", kinds.encode())
    changed(path, SHEET, b"<v>1</v>", b"<v>&e11;</v>")
    with pytest.raises(FileError, match="cannot be read as an Excel file"):
        tables.read_table(path)


def test_a_part_that_claims_to_unpack_to_too_much(tmp_path, monkeypatch):
    path = book(tmp_path / "t.xlsx", {"S": [["a"], *([1] for _ in range(200))]})
    monkeypatch.setattr(excel, "LARGE_PART", 1000)
    monkeypatch.setattr(excel, "LARGE_WHOLE_PART", 1000)
    assert tables.read_table(path).n_rows == 200
    changed(path, SHEET, b"</sheetData>", b"</sheetData>" + b" " * 10**7)
    with pytest.raises(FileError, match=r"its part xl/worksheets/sheet1.xml claims 1\d,\d{3},\d{3} bytes"):  # fmt: skip
        tables.read_table(path)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_parts_are_refused_or_read_and_nothing_else(tmp_path, seed):
    path = book(tmp_path / "t.xlsx", {"S": rows_of(patients(12)), "T": ROWS}, {4: "yyyy"})
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    drawn = random.Random(seed)
    refused = lines = 0
    for _ in range(100):
        damaged = dict(parts)
        name = drawn.choice([name for name in parts if name.startswith("xl/")])
        content = bytearray(damaged[name])
        for _ in range(drawn.randint(1, 4)):
            at = drawn.randrange(len(content))
            content[at : at + drawn.randint(0, 9)] = drawn.randbytes(drawn.randint(0, 3))
        damaged[name] = bytes(content)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for one, content in damaged.items():
                file.writestr(one, content)
        try:
            tables.read_table(path)
        except TwoLayerError as error:
            refused += "\n" not in str(error)
            lines += "\n" in str(error)
    assert refused > 20
    assert lines == 0
