"""What a command does, and what a refusal must look like; tables that scikit-learn carries, to fit from the command line."""

import re
from pathlib import Path

from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from twolayer.cli.main import main

LOADERS = {"iris": load_iris, "cancer": load_breast_cancer, "diabetes": load_diabetes}


def frame_of(name):
    loaded = LOADERS[name](as_frame=True)
    frame = loaded.frame
    if name == "iris":
        frame["target"] = loaded.target_names[frame["target"]]
    return frame


def write_tables(folder):
    for name in LOADERS:
        frame_of(name).to_csv(folder / f"{name}.csv", index=False)


def done(capsys, *arguments):
    """Exit code, output, and what went to standard error but for what a machine says on which nothing is compiled yet."""
    try:
        main([str(argument) for argument in arguments])
        code = 0
    except SystemExit as left:
        code = left.code or 0
    out, err = capsys.readouterr()
    return code, out, re.sub(r"twolayer: compiling.*\n", "", err)


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def assert_refused(twolayer, folder, arguments, message, *, at_the_door=False):
    """One line on standard error that says this, exit code 2, every file as it was; what was said."""
    before = contents(folder)
    code, out, err = twolayer(*arguments)
    assert code == 2
    assert out == "" or not at_the_door
    assert re.fullmatch(r"twolayer: [^\n]+\n", err), err
    assert re.search(message, err), err
    assert contents(folder) == before
    return err
