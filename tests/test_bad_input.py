"""Malformed files and full disks: one line that says where, exit code 2, and every file as it was."""

import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from command_line import assert_refused, contents

from twolayer.cli.commands.fit import fit

pytestmark = pytest.mark.usefixtures("blank_pictures")

ROWS = "".join(f"{i % 7 + 0.5},{i * i % 11},{'xy'[i % 2]}\n" for i in range(24))  # lines 2 to 25
GOOD = f"a,b,kind\n{ROWS}"

BAD = {  # what is wrong: the file, and what is said of it
    "ragged, short": (f"{GOOD}7.5,1\n", r"line 26 has 2 fields, but the header names 3 columns"),
    "ragged, long": (f"{GOOD}7.5,1,x,9\n", r"line 26 has 4 fields, but the header names 3"),
    "mac-roman": (f"{GOOD}7.5,1,caf\xe9\n".encode("mac-roman"), r"line 26 \(field 3, byte 0x8e\)"),
    "zip": (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\xff\xfe", "is a zip file: unpack it"),
    "names twice": (f"a,a,kind\n{ROWS}", r"columns 1 and 2 are both named 'a'"),
    "no name": (f"a,,kind\n{ROWS}", r"column 2 has no name in the header"),
    "header only": ("a,b,kind\n", "has a header but no rows"),
    "nothing": ("", "is empty"),
    "blank lines": ("\n \n\n", "is empty"),
    "no header": ("1,2,3\n4,5,6\n", "the first line holds numbers only, is the header missing"),
    "huge whole number": (f"{GOOD}{'9' * 400},1,x\n", r"line 26 has inf, .* in column 'a'"),
    "mixed": (f"{GOOD}7.5,low,x\n", r"column 'b' holds numbers but for 'low' in line 26"),
    "mixed far down": (GOOD + ROWS * 9000 + "1,low,x\n", r"but for 'low' in line 216026"),
    "decimal commas": (
        re.sub(r"(\d+)\.5", r'"\1,5"', GOOD),
        r"column 'a' holds .*write decimals with a point",
    ),
    "quoted line ends": (
        GOOD + '"1\n2",3,x\n',
        r"column 'a' holds numbers but for '1\\n2' in line 26",
    ),
    "ragged after a quoted line end": (
        f'a,note,kind\n1,"two\nlines",x\n2,{ROWS}',
        "line 4 has 4 fields",
    ),
    "open quote": (f'{GOOD}1,"2,x\n', "is not a CSV file that can be read: unexpected end of data"),
    "only missing values": (
        "a,kind\n" + "NA,x\n,y\n" * 6,
        "no column but the target 'kind' to learn from: nothing is learned from 'a': holds no value",
    ),
    "constant": (
        "a,kind\n" + "3,x\n3,y\n" * 6,
        "no column is left to learn from: .*the same in every row",
    ),
    "dates": (
        "day,kind\n" + "2021-03-04,x\n2021-03-05,y\n" * 6,
        "column 'day' holds dates, such as '2021-03-04'",
    ),
    "no target": (f"{GOOD}7.5,1,\n", "line 26 has no value in column 'kind', which is the target"),
    "zero byte": (f"{GOOD}\x007,1,x\n", "t.csv.*line 26"),
    "json": ('{"a": [1, 2],\n "b": 3}\n', r"t\.csv"),
}


@pytest.mark.parametrize("what", BAD)
def test_malformed_tables(here, twolayer, what):
    content, message = BAD[what]
    Path("t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    Path("t.twolayer.safetensors").write_bytes(b"of an earlier fit")
    assert_refused(twolayer, here, ["fit", "t.csv", "--target", "kind", "--force"], message)


def test_what_is_no_file(here, twolayer):
    Path("folder.csv").mkdir()
    assert_refused(twolayer, here, ["fit", "folder.csv", "--target", "y"], "folder.csv is a folder")
    assert_refused(
        twolayer, here, ["fit", "none.csv", "--target", "y"], "there is no file none.csv"
    )
    assert_refused(
        twolayer, here, ["evaluate", "none.safetensors", "t.csv"], "cannot be read: No such file"
    )
    assert_refused(twolayer, here, ["inspect", "folder.csv"], "folder.csv cannot be read")


def test_no_permission(here, twolayer, monkeypatch):
    Path("t.csv").write_text(GOOD)
    real = open

    def forbidden(path, *args, **kwargs):  # root may read everything, so the system is not asked
        if str(path) == "t.csv":
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)

    monkeypatch.setattr("builtins.open", forbidden)
    assert_refused(
        twolayer, here, ["fit", "t.csv", "--target", "kind"], "cannot be read: Permission denied"
    )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A folder with a table, and all that a fit writes of it."""
    folder = tmp_path_factory.mktemp("fitted")
    (folder / "good.csv").write_text(GOOD)
    fit(folder / "good.csv", "kind", max_iter=5, n_hidden="4", out=folder, quiet=True)
    return folder


@pytest.fixture
def model(here, fitted):
    shutil.copytree(fitted, here, dirs_exist_ok=True)
    return Path("good.twolayer.safetensors")


@contextmanager
def no_file_grows_beyond(size):
    """Within it the system itself refuses to let a file grow further, as a full disk does."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(os.name != "posix", reason="the limit of a file's size is POSIX's")
@pytest.mark.parametrize("limit", [0, 2000])
@pytest.mark.parametrize("command", ["fit", "predict", "predict parquet"])
def test_a_disk_that_fills_up_while_writing(here, twolayer, model, command, limit):
    Path("many.csv").write_text("a,b,kind\n" + ROWS * 200)
    Path("p.csv").write_text("earlier predictions\n")
    Path("p.parquet").write_text("earlier predictions\n")
    arguments = {
        "fit": ["fit", "good.csv", "--target", "kind", "--max-iter", "6", "--n-hidden", "4"],
        "predict": ["predict", str(model), "many.csv", "--out", "p.csv"],
        "predict parquet": ["predict", str(model), "many.csv", "--out", "p.parquet"],
    }[command]
    before = contents(here)
    with no_file_grows_beyond(limit):
        code, _, err = twolayer(*arguments)
    assert code == 2, err
    assert re.search(r"^twolayer: .* cannot be written: File too large$", err, re.M)
    assert contents(here) == before


def test_predictions_that_fail_half_way_leave_the_file_as_it_was(
    here, twolayer, model, monkeypatch
):
    from twolayer.tables.readers import delimited

    monkeypatch.setattr(delimited, "CHARACTERS_PER_BLOCK", 64)
    Path("t.csv").write_text(GOOD + "1,x,y\n")
    Path("p.csv").write_text("earlier predictions\n")
    assert_refused(
        twolayer,
        here,
        ["predict", model, "t.csv", "--out", "p.csv"],
        "column 'b' holds text, for example 'x' in line 26",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "good.csv", "--target", "kind", "--config", "no.toml"], "there is no such file"),
        (["fit", "--config", "bad.toml"], "bad.toml is not TOML"),
        (["fit", "--config", "odd.toml"], "sets 'n_hiden', which .*did you mean 'n_hidden'"),
        (
            ["fit", "good.csv", "--target", "kind", "--n-hidden", "five"],
            "--n-hidden must be a whole",
        ),
        (
            ["fit", "good.csv", "--target", "kind", "--device", "cuda", "--engine", "numpy"],
            "runs on device 'cpu' only",
        ),
        (["fit", "good.csv", "--target", "kind", "--delimiter", "::"], "--delimiter is one char"),
        (["fit", "good.csv", "--target", "kind", "--cv", "1"], "--cv must be a whole number"),
        (
            ["fit", "good.csv", "--target", "kind", "--groups", "a", "--time", "b"],
            "one way to split",
        ),
        (
            ["predict", "good.twolayer.safetensors", "good.csv", "--interval", "1.5"],
            "--interval is a share",
        ),
        (["test", "good.csv", "--target", "kind", "--n", "0"], "--n must be a whole number"),
        (["test", "good.csv", "--target", "kind", "--level", "1"], "--level is a share"),
        (["inspect", "good.twolayer.safetensors", "--top", "-1"], "--top must be a whole number"),
        (["evaluate", "good.twolayer.safetensors", "other.csv"], "which is no class of .*'x', 'y'"),
        (["evaluate", "good.twolayer.safetensors", "lacks.csv"], "lacks 1 of the 2 columns"),
    ],
)
def test_options_that_cannot_be_used(here, twolayer, model, words, message):
    Path("bad.toml").write_text("target = [\n")
    Path("odd.toml").write_text('table = "good.csv"\ntarget = ["kind"]\nn_hiden = 5\n')
    Path("other.csv").write_text("a,b,kind\n1,2,z\n")
    Path("lacks.csv").write_text("a,kind\n1,x\n")
    assert_refused(twolayer, here, words, message)


def test_a_model_without_its_columns_is_no_way_in(here, twolayer, model):
    import twolayer as tl
    from twolayer import saving

    estimator, about = saving.read_model(model)
    about["encoder"]["medians"] = about["encoder"]["medians"][:-1]
    tl.save(estimator, "changed.safetensors", about)
    assert_refused(
        twolayer, here, ["predict", "changed.safetensors", "good.csv"], "its columns are damaged"
    )
    del about["encoder"]
    tl.save(estimator, "plain.safetensors", about)
    code, plain, _ = twolayer("predict", "plain.safetensors", "good.csv")
    assert (code, plain) == twolayer("predict", model, "good.csv")[:2]
    assert code == 0
    assert len(plain.splitlines()) == 25
    assert np.isin(plain.splitlines()[1:], ["x", "y"]).all()
