"""What a newcomer gets wrong at the command line: one line that names the option or the field, exit code 2, nothing written."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars
import pytest
from command_line import assert_refused
from sklearn.model_selection import GroupKFold, StratifiedKFold

from twolayer.cli.main import main
from twolayer.evaluation.nested_folds import inner_fold_count, nested_shortage

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def refused(here, twolayer):
    """Run a command that must refuse at the door; the line it said."""

    def run(*arguments):
        return assert_refused(twolayer, here, arguments, "", at_the_door=True)

    return run


def write(name, columns):
    """A CSV of these columns."""
    lines = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    Path(name).write_text("\n".join(lines) + "\n")


# ---- twolayer test: too few rows for folds within folds


def kinds_of(n_rare, n_rows=40):
    rng = np.random.default_rng(0)
    kind = ["rare"] * n_rare + ["a", "b"] * ((n_rows - n_rare) // 2)
    return {
        "u": rng.normal(size=len(kind)).round(3),
        "v": rng.normal(size=len(kind)).round(3),
        "kind": kind,
    }


def test_a_class_too_small_for_folds_within_folds_is_refused_first(refused):
    write("t.csv", kinds_of(6))
    said = refused("test", "t.csv", "--target", "kind")
    assert "t.csv: the class 'rare' of column 'kind' has 6 rows, too few for --cv 5" in said
    assert "take --cv 4, or leave out the rows of that class" in said
    write("t.csv", kinds_of(2))
    assert said.count("--cv 4") == 1
    assert "again: leave out the rows of that class\n" in refused(
        "test", "t.csv", "--target", "kind"
    )


def test_too_few_rows_or_groups_for_folds_within_folds(refused):
    table = kinds_of(20)
    write("t.csv", {"u": table["u"][:6], "y": table["v"][:6]})
    said = refused("test", "t.csv", "--target", "y")
    assert "there are 6 rows, too few for --cv 5" in said
    assert said.endswith("take --cv 4\n")
    write("g.csv", {**table, "batch": np.arange(40) % 4})
    said = refused("test", "g.csv", "--target", "kind", "--groups", "batch")
    assert "there are 4 groups, too few for --cv 5" in said
    assert said.endswith("take --cv 4\n")  # three are left beside each, for three folds


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("cv", [2, 3, 5])
@pytest.mark.parametrize("n_rare", range(2, 11))
def test_refused_is_what_scikit_learns_folds_cannot_do(here, n_rare, cv, grouped):
    """Expected: the folds are made, and the rows of each class counted in what they leave."""
    from twolayer import tables

    write("t.csv", {**kinds_of(n_rare), "batch": np.arange(len(kinds_of(n_rare)["kind"])) % 12})
    groups = "batch" if grouped else None
    data = tables.read_dataset(tables.TableOptions("t.csv", ("kind",), groups=groups))
    y = data.target.values
    if n_rare < cv:
        possible = False
    else:
        folds = GroupKFold(cv) if grouped else StratifiedKFold(cv, shuffle=True, random_state=1)
        trains = [train for train, _ in folds.split(y, y, data.groups)]
        least = 2 if grouped else cv  # beside groups fewer folds are made, two at least
        possible = all(np.unique(y[t], return_counts=True)[1].min() >= least for t in trains)
        possible &= all(len(np.unique(y[t])) == 3 for t in trains)
    shortage = nested_shortage(y, cv, groups=data.groups, classifies=True)
    assert (shortage is None) == possible
    if possible and grouped:
        inner = inner_fold_count(y, cv, groups=data.groups, classifies=True)
        fewest = min(np.unique(y[t], return_counts=True)[1].min() for t in trains)
        assert inner == min(cv, fewest)
        for t in trains:
            assert len(list(GroupKFold(inner).split(y[t], groups=data.groups[t]))) == inner


# ---- twolayer predict: what is written under a name


@pytest.fixture
def model(here, capsys):
    """A model of the columns u and v, in m.twolayer.safetensors, and its table, m.csv."""
    write("m.csv", {**kinds_of(0), "id": [f"S{i:03}" for i in range(40)]})
    with pytest.raises(SystemExit):
        main(
            [
                "fit",
                "m.csv",
                "--target",
                "kind",
                "--n-hidden",
                "3",
                "--max-iter",
                "5",
                "--alpha",
                "1",
            ]
        )
    capsys.readouterr()
    return "m.twolayer.safetensors"


def test_answers_are_written_only_under_names_that_say_what_they_are(refused, model):
    for name in ("p.xlsx", "p", "p.json", "p.gz", "p.parquet.gz"):
        said = refused("predict", model, "m.csv", "--out", name)
        assert said == (
            f"twolayer: --out {name}: its name must end in one of .csv, .tsv, .csv.gz, .tsv.gz, .parquet\n"
        )
    assert "--out p.xlsx" in refused("predict", "no.model", "no.csv", "--out", "p.xlsx")


def test_answers_are_what_their_names_say(model):
    frames = {}
    for name, read in {
        "p.csv": polars.read_csv,
        "p.tsv": lambda name: polars.read_csv(name, separator="\t"),
        "P.CSV.GZ": lambda name: polars.read_csv(gzip.decompress(Path(name).read_bytes())),
        "p.tsv.gz": lambda name: polars.read_csv(
            gzip.decompress(Path(name).read_bytes()), separator="\t"
        ),
        "p.parquet": polars.read_parquet,
    }.items():
        with pytest.raises(SystemExit) as left:
            main(["predict", model, "m.csv", "--proba", "--out", name])
        assert not left.value.code
        frames[name] = read(name)
    assert frames["p.csv"].shape == (40, 4)
    assert all(frame.equals(frames["p.csv"]) for frame in frames.values())


# ---- what the parser of the command line refuses


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "t.csv"], r"missing option '--target' \(see twolayer fit --help\)"),
        (["fit"], r"missing argument 'table' \(see twolayer fit --help\)"),
        (["fit", "t.csv", "--target", "y", "--bogus"], "no such option: --bogus .*twolayer fit --help"),
        (["fit", "t.csv", "--target", "y", "--max-iter", "x"], "invalid value for '--max-iter'"),
        (["fit", "no.csv", "--target", "y"], "there is no file no.csv"),
        (["fit", ".", "--target", "y"], r"\. "),
        (["fitt"], r"no such command 'fitt'.*\(see twolayer --help\)"),
        (["--bogus"], r"no such option: --bogus \(see twolayer --help\)"),
        *(
            ([name, *words], "no such option: --bogus")
            for name, words in {
                "predict": ["m", "t"], "evaluate": ["m", "t"], "inspect": ["m"], "test": ["t"], "report": ["m"],
                "export": ["m"], "ladder": [], "explain": [], "warmup": [], "demo": [],
            }.items()
            for words in [[*words, "--bogus"]]
        ),
    ],
)  # fmt: skip
def test_misuse_is_one_line(refused, words, message):
    assert re.search(message, refused(*words))


def test_a_file_name_that_is_no_text_is_refused_before_any_work(refused):
    """As Python tells names in Latin-1; they can neither be printed nor stand in the model's file."""
    Path("t.csv").write_text("u,y\n" + "1,2\n3,4\n" * 10)
    try:
        Path("t.csv").rename("caf\udce9.csv")
    except (OSError, UnicodeError):
        pytest.skip("this system keeps names as text")
    said = refused("fit", "caf\udce9.csv", "--target", "y", "--max-iter", "2", "--alpha", "1")
    assert said == (
        r"twolayer: the argument 'caf\udce9.csv' is not text in UTF-8: rename the file" + "\n"
    )


def test_help_and_completion_are_as_they_were(here, capsys, monkeypatch):
    for words, start, code in [
        (["--help"], "Usage: ", 0),
        (["fit", "--help"], "Usage: ", 0),
        (["--version"], "twolayer ", 0),
        ([], "Usage: ", 2),
    ]:
        with pytest.raises(SystemExit) as left:
            main(words)
        said = capsys.readouterr()
        assert (left.value.code, code and said.out) == (code, code and "")
        assert (said.err if code else said.out).startswith(start)
    done = subprocess.run(
        [sys.executable, "-c", "from twolayer.cli.main import main; main()"],
        env={
            **os.environ,
            "_TWOLAYER_COMPLETE": "complete_bash",
            "COMP_WORDS": "twolayer ev",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["evaluate"], done.stderr


# ---- which field is wrong, and in which file


def genes(**changed):
    """Samples in columns: three genes, a dozen samples; some fields changed."""
    columns = {"gene": ["g1", "g2", "g3"], **{f"S{i:02}": [i, i * i, 5 - i] for i in range(12)}}
    for name, field in changed.items():
        columns[name] = [field if row == 1 else value for row, value in enumerate(columns[name])]
    return columns


def test_a_text_in_a_table_to_turn_is_located(refused):
    write("e.csv", genes(S06="low"))
    words = ["e.csv", "--transpose", "--labels", "l.csv", "--id", "sample", "--target", "y"]
    write("l.csv", {"sample": [f"S{i:02}" for i in range(12)], "y": ["a", "b"] * 6})
    said = refused("fit", *words)
    assert "'S06' holds 'low' in row 'g2', line 3: correct the field" in said
    assert "--drop 'S06'" in said
    write("e.csv", genes(**{f"S{i:02}": "case" for i in range(12)}))
    said = refused("fit", *words)
    assert "'S00' holds 'case' in row 'g2', line 3, and so do 'S01'" in said
    assert "leave out that row; if it is the target, put it in a file of its own" in said


def test_a_bad_target_from_another_file_is_told_of_that_file(refused):
    write("e.csv", genes())
    words = ["fit", "e.csv", "--transpose", "--labels", "l.csv", "--id", "sample", "--target", "y"]
    samples = [f"S{i:02}" for i in range(12)]
    for fields, message in [
        (["a"] * 12, "l.csv: column 'y' is 'a' in every row"),
        ([""] * 12, "l.csv: column 'y', which is the target, has no value in any row"),
        (["a"] * 5 + [""] + ["b"] * 6, "l.csv: row 'S05' has no value in column 'y'"),
        ([*range(11), "n.d."], "l.csv: .* numbers but for 'n.d.' in row 'S11'"),
    ]:
        write("l.csv", {"sample": samples, "y": fields})
        assert re.search(message, refused(*words))
    write("l.csv", {"y": ["a"] * 12})
    assert "l.csv: column 'y' is 'a'" in refused(*[w for w in words if w not in ("--id", "sample")])


def test_a_target_of_dates_names_or_strays(refused):
    n = 40
    u = np.arange(n) % 7 + 0.5
    write(
        "t.csv",
        {
            "u": u,
            "day": [f"2021-03-{1 + i % 28:02}" for i in range(n)],
            "who": [f"P{i:03}" for i in range(n)],
            "dose": ["n.d." if i == 5 else u[i] + i for i in range(n)],
            "doses": ["n.d." if i % 9 == 5 else u[i] + i for i in range(n)],
            "comma": [f'"{i},5"' for i in range(n)],
        },
    )  # fmt: skip
    rest = ["--drop", "day", "--drop", "dose", "--drop", "doses", "--drop", "comma"]
    for name, message in [
        ("day", "column 'day', which is the target, holds dates, such as '2021-03-01'"),
        (
            "who",
            "column 'who', which is the target, holds a different text in every row, such as 'P000'",
        ),
        ("dose", "holds numbers but for 'n.d.' in line 7: for --task regression"),
        ("doses", r"holds numbers but for 'n.d.' in line 7 \(4 such fields\)"),
        ("comma", "column 'comma' holds numbers with a comma, such as '0,5'"),
    ]:
        drop = [w for i, w in enumerate(rest) if rest[i - i % 2 + 1] != name]
        assert re.search(message, refused("fit", "t.csv", "--target", name, *drop))
    assert "numbers but for 'n.d.'" in refused(
        "fit", "t.csv", "--target", "dose", "--task", "regression"
    )


def test_texts_beside_numbers_may_be_classes():
    """Grades 1 to 4 and 'none': classes, as before."""
    from twolayer.tables.target import are_strays

    assert not are_strays(20, np.arange(80.0) % 4)
    assert are_strays(4, np.arange(80.0) % 4)
    assert are_strays(20, np.arange(80.0))
    assert not are_strays(90, np.arange(10.0))
    assert not are_strays(1, np.arange(8.0))  # of fewer than 10 rows nothing is concluded
    assert are_strays(1, np.arange(9.0))


# ---- hints in the words of the command line


def test_export_to_scikit_learn_says_how_to_fit(refused, capsys):
    write("m.csv", kinds_of(0))
    fit = ["fit", "m.csv", "--target", "kind", "--n-hidden", "3", "--max-iter", "5", "--alpha", "1"]
    export = ["export", "m.twolayer.safetensors", "--to", "sklearn", "--out", "m.py"]
    for flags, cannot, advice in [
        (
            ["--n-networks", "2", "--skip"],
            "2 networks or a skip layer",
            "fit with --n-networks 1 --no-skip,",
        ),
        (
            ["--n-networks", "2", "--no-skip"],
            "an average of 2 networks",
            "fit with --n-networks 1,",
        ),
        (["--n-networks", "1", "--skip"], "a skip layer", "fit with --no-skip,"),
    ]:
        with pytest.raises(SystemExit):
            main([*fit, *flags])
        capsys.readouterr()
        said = refused(*export)
        assert cannot in said
        assert advice in said
    with pytest.raises(SystemExit):
        main([*fit, "--n-networks", "1", "--no-skip"])
    assert "skip = false\n" in Path("m.fit.toml").read_text()
    with pytest.raises(SystemExit) as left:
        main(export)
    assert not left.value.code


def test_a_table_that_wants_turning_is_told_so(refused, capsys):
    write("e.csv", genes())
    write("l.csv", {"sample": [f"S{i:02}" for i in range(12)], "y": ["a", "b"] * 6})
    labels = ["--labels", "l.csv", "--id", "sample", "--target", "y"]
    said = refused("fit", "e.csv", "--target", "y")
    assert "no column 'y'" in said
    assert (
        "transpose the table with --transpose, and name the file of the targets with --labels"
        in said
    )
    assert "its columns are, so transpose it with --transpose" in refused("fit", "e.csv", *labels)
    assert "name the file that holds it with --labels" in refused(
        "fit", "e.csv", "--transpose", "--target", "y"
    )
    with pytest.raises(SystemExit):
        main(
            [
                "fit",
                "e.csv",
                "--transpose",
                *labels,
                "--n-hidden",
                "2",
                "--max-iter",
                "3",
                "--alpha",
                "1",
            ]
        )
    capsys.readouterr()
    said = refused("predict", "e.twolayer.safetensors", "e.csv")
    assert said.endswith("they are in its first column, 'gene': transpose it with --transpose\n")
    assert "transpose the table with --transpose" in refused(
        "evaluate", "e.twolayer.safetensors", "e.csv"
    )


def test_names_that_are_written_otherwise_and_targets_that_are_not_there_are_told_so(
    refused, capsys
):
    rows = {f"ENSG{j}": np.random.default_rng(j).normal(size=24).round(2) for j in range(6)}
    write("t.csv", {"sample": [f"S{i:02}" for i in range(24)], **rows, "y": ["a", "b"] * 12})
    quick = ["--n-hidden", "2", "--max-iter", "3", "--alpha", "1"]
    with pytest.raises(SystemExit):
        main(["fit", "t.csv", "--target", "y", *quick])
    capsys.readouterr()
    names = [f"S{i:02}" for i in range(24)]
    write("new.csv", {"sample": names, **rows})
    model = "t.twolayer.safetensors"
    for command in ("evaluate", "report"):
        said = refused(command, model, "new.csv")
        assert "no column 'y'" in said
        assert "transpose" not in said
        assert "name it with --labels" in said
    write("v.csv", {"sample": names, **{f"{name}.3": column for name, column in rows.items()}})
    said = refused("predict", model, "v.csv")
    assert (
        "6 of them are there with another version at the end, such as 'ENSG0.3' for 'ENSG0'" in said
    )
    write("v.csv", {"sample": names, **{name.lower(): column for name, column in rows.items()}})
    assert "6 of them are there in other letters, such as 'ensg0' for" in refused(
        "predict", model, "v.csv"
    )
    genes = {"gene": ["g1", "g1", "g2"], **{name: [1.5, 2.5, 0.5] for name in names}}
    write("genes.csv", genes)
    write("l.csv", {"sample": names, "y": ["a", "b"] * 12})
    turn = ["--transpose", "--labels", "l.csv", "--id", "sample", "--target", "y"]
    assert "--duplicates rename" in refused("fit", "genes.csv", *turn)
    write("twice.csv", {"sample": [names[1], *names[1:]], **rows})
    assert "--duplicates" not in refused("fit", "twice.csv", *turn[1:])


def test_quiet_does_not_say_that_it_compiles(capsys):
    """Told by Numba's own event, here set off by hand: a real compilation takes long."""
    from numba.core import event

    from twolayer.cli.output import Output
    from twolayer.engines.compiled import engine

    engine._compilation_listener.cache_clear()
    for quiet in (True, False):
        with Output(quiet).progress("training"), engine.announce_compilation("adam", np.float64):
            event.start_event("numba:compile")
            event.end_event("numba:compile")
        said = capsys.readouterr().err
        assert ("compiling" in said) == (not quiet)
