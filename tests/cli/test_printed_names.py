"""Names, classes and file names that would steer a terminal or a spreadsheet program."""

import json

import numpy as np
import pytest
from support.command_line import assert_refused, done

from twolayer.text import printable

ESCAPES = ["\x1b]0;x\x07", "\x9b2J", "\u202e", "\u2066", "\u200f", "\x08"]
QUICK = ("--alpha", "1", "--n-networks", "1")


@pytest.fixture
def twolayer(capsys):
    return lambda *arguments: done(capsys, *arguments)


def table(folder, name="t.csv", ident="id", classes=("p", "q"), names=None, extra="b"):
    a = np.random.default_rng(0).normal(size=(60, 2)).round(3)
    words = names or [f"k{k}" for k in range(60)]
    rows = [f"{w},{u},{v},{classes[int(u > 0)]}\n" for w, (u, v) in zip(words, a, strict=True)]
    path = folder / name
    path.write_text(f"{ident},a,{extra},y\n" + "".join(rows), encoding="utf-8")
    return path


def unprintable(text):
    return [letter for letter in text if letter not in "\n" and not letter.isprintable()]


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_command_prints_what_steers_a_terminal(twolayer, tmp_path, escape):
    names = [f"k{k}{escape}" for k in range(60)]
    soft = escape in "\u202e\u2066\u200f"
    parts = (
        {"ident": f"id{escape}", "extra": f"b{escape}", "classes": (f"p{escape}", "q")}
        if soft
        else {}
    )
    path = table(tmp_path, f"t{escape}.csv", names=names, **parts)
    code, out, err = twolayer("fit", path, "--target", "y", "--out", tmp_path, *QUICK)
    assert code == 0, err
    (model,) = tmp_path.glob("*.safetensors")
    for arguments in (
        ("predict", model, path),
        ("evaluate", model, path),
        ("evaluate", model, path, "--json"),
        ("inspect", model),
        ("fit", path, "--target", f"none{escape}", "--out", tmp_path),
        ("fit", tmp_path / f"none{escape}.csv", "--target", "y"),
    ):
        code, more, wrong = twolayer(*arguments)
        assert code == (2 if arguments[0] == "fit" else 0), wrong
        out, err = out + more, err + wrong
    assert not unprintable(out + err)


@pytest.mark.parametrize("part", ["ident", "extra"])
def test_a_control_character_in_a_name_is_refused_before_training(twolayer, tmp_path, part):
    path = table(tmp_path, **{part: "x\x1b[2J"})
    arguments = ("fit", path, "--target", "y", "--out", tmp_path / "o", *QUICK)
    assert_refused(twolayer, tmp_path, arguments, "holds a control character", at_the_door=True)


def test_json_with_marks_of_direction_stays_json(capsys):
    from twolayer.cli.output import Output

    Output(as_json=True).result({"a\u202e": "\x9b\n"})
    out = capsys.readouterr().out
    assert not unprintable(out)
    assert json.loads(out) == {"a\u202e": "\x9b\n"}


def test_texts_that_are_formulas_are_warned_of_and_made_safe(twolayer, tmp_path):
    names = [f"=1+{k}" if k % 2 else f"-{k}" for k in range(60)]
    path = table(tmp_path, classes=("@p", "q"), names=names)
    assert twolayer("fit", path, "--target", "y", "--out", tmp_path, *QUICK)[0] == 0
    model, out = tmp_path / "t.twolayer.safetensors", tmp_path / "out.csv"
    _, _, err = twolayer("predict", model, path, "--out", out)
    assert "warning" in err
    assert "--safe-cells" in err
    assert "\n=1+1," in out.read_text()
    _, _, err = twolayer("predict", model, path, "--out", out, "--safe-cells")
    assert "warning" not in err
    safe = out.read_text()
    assert "\n'=1+1," in safe
    assert "\n-2," in safe  # a number
    assert ",@p" not in safe


def test_lines_and_wide_blanks_stay():
    assert printable("a\n\tb\u3000c\u00a0d") == "a\n\tb\u3000c\u00a0d"
