"""`twolayer watch`: one file, complete, or one clear sentence."""

import re

import pytest
from command_line import done


def test_one_file_is_written_and_said(tmp_path, capsys):
    path = tmp_path / "page.html"
    code, out, err = done(capsys, "watch", "--out", path)
    assert (code, err) == (0, "")
    content = path.read_text(encoding="utf-8")
    assert re.fullmatch(rf"{re.escape(str(path))}: \d+ KB\. Open it in a browser\.\n", out)
    assert content.startswith("<!DOCTYPE html>")
    assert content.endswith("</html>\n")
    assert not re.search(r"\{\{\w+\}\}|^(import|export) ", content, re.MULTILINE)


def test_a_page_that_is_there_is_replaced_whole(tmp_path, capsys):
    path = tmp_path / "page.html"
    path.write_text("x" * 10**6)
    assert done(capsys, "watch", "--out", path)[0] == 0
    assert path.stat().st_size < 400_000


@pytest.mark.parametrize(
    ("where", "sentence"),
    [("nowhere/page.html", "there is no folder"), (".", "it is a folder")],
)
def test_where_nothing_can_be_written_is_said(tmp_path, capsys, where, sentence):
    code, out, err = done(capsys, "watch", "--out", tmp_path / where)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
