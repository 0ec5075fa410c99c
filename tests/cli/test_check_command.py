"""`twolayer check` from the command line: its pages, its exit codes, its refusals."""

import pytest
from checked_scripts import SCRIPTS
from rich.cells import cell_len


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", ["wrong, line 23", "The mask is inverted", "should be"]), ("zh", ["第 23 行有错", "掩码反了", "应为"])],
)  # fmt: skip
def test_a_wrong_script_is_told_with_its_line_and_code_1(twolayer, monkeypatch, lang, words):
    monkeypatch.setenv("COLUMNS", "80")
    script = SCRIPTS / "wrong_mask_inverted.py"
    monkeypatch.chdir(SCRIPTS)
    code, out, err = twolayer("check", script.name, "--lang", lang)
    assert (code, err) == (1, "")
    assert all(word in out for word in words), out
    assert "grad_h[h > 0] = 0" in out
    assert max(map(cell_len, out.splitlines())) <= 80


def test_a_right_script_is_told_with_code_0(twolayer, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = twolayer("check", SCRIPTS / "right_bias.py", "--lang", "en")
    assert (code, err) == (0, "")
    assert "right_bias.py: right" in out
    assert "w1, b1, w2, b2" in out


def test_what_cannot_be_checked_is_one_line_and_code_2(twolayer, here):
    (here / "plain.py").write_text("print(1)\n")
    code, out, err = twolayer("check", "plain.py", "--lang", "en")
    assert (code, out) == (2, "")
    assert err.startswith("twolayer: plain.py could not be checked: there is no training loop")
    for name, said in (("absent.py", "there is no file absent.py"), (".", "is a folder")):
        code, out, err = twolayer("check", name)
        assert (code, out) == (2, "")
        assert said in err
        assert err.count("\n") == 1
