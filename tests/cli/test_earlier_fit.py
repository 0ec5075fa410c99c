"""A fit replaces what an earlier one of the same table and target wrote, and no other file."""

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest
from command_line import assert_refused

import twolayer as tl

pytestmark = pytest.mark.usefixtures("blank_pictures")

OPTIONS = ["--n-hidden", 2, "--alpha", 1, "--n-networks", 1, "--max-iter", 5, "-q"]
MODEL, SETTINGS = "t.twolayer.safetensors", "t.fit.toml"


def write_table(path):
    path = Path(path)
    path.parent.mkdir(exist_ok=True)
    rows = np.random.default_rng(0).standard_normal((40, 4))
    np.savetxt(path, rows, delimiter=",", header="a,b,y,z", comments="", fmt="%.6f")


@pytest.fixture
def fitted(here, twolayer):
    write_table("t.csv")
    assert twolayer("fit", "t.csv", "--target", "y", *OPTIONS)[0] == 0
    return here


def test_another_target_is_refused_and_the_same_is_not(fitted, twolayer):
    words = ["fit", "t.csv", "--target", "z", *OPTIONS]
    said = r"t\.twolayer\.safetensors holds the model of another target, 'y': .*--out.*--force"
    assert_refused(twolayer, fitted, words, said, at_the_door=True)
    both = ["fit", "t.csv", "--target", "y", "--target", "z", *OPTIONS]
    assert_refused(twolayer, fitted, both, "another target", at_the_door=True)
    before = Path(MODEL).read_bytes()
    assert twolayer("fit", "t.csv", "--target", "y", "--seed", 1, *OPTIONS)[0] == 0
    assert Path(MODEL).read_bytes() != before
    assert twolayer(*words, "--force")[0] == 0
    assert "force" not in Path(SETTINGS).read_text()
    assert_refused(twolayer, fitted, ["fit", "t.csv", "--target", "y", *OPTIONS], "another target")


@pytest.mark.parametrize("name", ["t.tsv", "t.csv.gz", "sub/t.csv"])
def test_another_table_of_that_name_is_refused(fitted, twolayer, name):
    write_table(name)
    words = ["fit", name, "--target", "y", "--delimiter", ",", *OPTIONS]
    assert_refused(twolayer, fitted, words, "holds the (model|settings) of", at_the_door=True)


@pytest.mark.parametrize("name", [MODEL, SETTINGS])
def test_what_is_not_ours_is_refused(fitted, twolayer, name):
    words = ["fit", "t.csv", "--target", "y", *OPTIONS]
    Path(name).write_bytes(b"\xffnotes of mine")
    assert_refused(twolayer, fitted, words, f"{name} holds no .* that can be read")
    assert twolayer(*words, "--force")[0] == 0
    tl.save(tl.init_params(3, 2, 1), MODEL)
    assert_refused(twolayer, fitted, words, "a model that `twolayer fit` did not save")


def test_a_file_that_may_not_be_written_is_told_before_training(fitted, twolayer):
    Path(MODEL).chmod(0o400)
    words = ["fit", "t.csv", "--target", "y", *OPTIONS]
    assert_refused(twolayer, fitted, words, "the file that is there is read-only", at_the_door=True)


def test_other_labels_are_refused(here, twolayer):
    write_table("t.csv")
    rows = [line.split(",") for line in Path("t.csv").read_text().splitlines()]
    ids = ["id", *map(str, range(40))]
    Path("t.csv").write_text(
        "\n".join(f"{i},{r[0]},{r[1]}" for i, r in zip(ids, rows, strict=True))
    )
    for name in ("one.csv", "two.csv"):
        Path(name).write_text("\n".join(f"{i},{r[2]}" for i, r in zip(ids, rows, strict=True)))
    words = ["fit", "t.csv", "--target", "y", "--id", "id", *OPTIONS]
    assert twolayer(*words, "--labels", "one.csv")[0] == 0
    assert twolayer(*words, "--labels", "one.csv")[0] == 0
    assert_refused(twolayer, here, [*words, "--labels", "two.csv"], "of another file, 'one.csv'")


def test_the_settings_keep_a_checksum_and_config_says_what_changed(fitted, twolayer):
    digest = hashlib.sha256(Path("t.csv").read_bytes()).hexdigest()
    kept = tomllib.loads(Path(SETTINGS).read_text())["fitted"]
    assert (kept["table_sha256"], kept["numpy"]) == (digest, np.__version__)
    again = ["fit", "--config", SETTINGS, "--out", "again"]
    assert "has changed" not in "".join(twolayer(*again)[1:])
    with open("t.csv", "a") as file:
        file.write("1,2,3,4\n")
    code, _, err = twolayer(*again)
    assert (code, err) == (0, "note: t.csv has changed since the fit that wrote t.fit.toml\n")
