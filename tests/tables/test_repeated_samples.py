"""Samples measured repeatedly that no column names: told by their names and by their values, and only where they are."""

import numpy as np
import polars
import pytest

from twolayer import tables
from twolayer.tables import TableOptions

PATIENTS, N_GENES = 27, 300


@pytest.fixture
def said_of(tmp_path):
    """What is said about a table of these genes, beside these columns."""

    def said_of(genes, y, drop=(), groups=None, **columns):
        frame = {**columns, **{f"g{j}": genes[:, j].round(4) for j in range(genes.shape[1])}}
        polars.DataFrame({**frame, "y": y}).write_csv(tmp_path / "t.csv")
        options = TableOptions(str(tmp_path / "t.csv"), ("y",), drop=drop, groups=groups)
        return tables.read_dataset(options).leaks

    return said_of


def repeats(noise, n_repeats=3, n_genes=N_GENES):
    """Genes of noise of each patient, measured so often, with a class that says nothing; and the patients."""
    rng = np.random.default_rng(0)
    patient = np.tile(np.arange(PATIENTS), n_repeats)
    genes = rng.normal(8, 1, (PATIENTS, n_genes))[patient]
    y = np.array(["a", "b", "c"])[rng.integers(0, 3, PATIENTS)][patient]
    return genes + rng.normal(0, noise, genes.shape), y, patient


@pytest.mark.parametrize(
    "suffixes",
    [
        ("_rep1", "_rep2", "_rep3"),
        ("-1", "-2", "-3"),
        (".a", ".b", ".c"),
        ("a", "b", "c"),
        (" replicate 1", " replicate 2", " replicate 3"),
        ("_Rep01", "_Rep02", "_Rep03"),
    ],
)
def test_names_that_differ_in_the_suffix_of_a_repeat(said_of, suffixes):
    genes, y, patient = repeats(1e3)
    names = [f"Pat_{p:03}{suffixes[k // PATIENTS]}" for k, p in enumerate(patient)]
    (line,) = said_of(genes, y, sample=names)
    assert line.startswith("warning: 81 of 81 names in 'sample' have a beginning in common")
    assert f"such as 'Pat_000{suffixes[0]}' and 'Pat_000{suffixes[1]}'" in line
    assert "('Pat_000') into a column of its own, and name that column with --groups" in line


@pytest.mark.parametrize(
    "name", ["P_{:03}", "S{}", "2021-{}", "TCGA-A1-{:04}-01", "{}", "x{}b", "NA{}.CEL", "GSM{}"]
)
def test_names_that_count_the_samples_are_no_repeats(said_of, name):
    genes, y, _ = repeats(1e3)
    assert said_of(genes, y, sample=[name.format(k + 1) for k in range(81)]) == []


def test_names_that_begin_with_their_class_are_no_repeats(said_of):
    genes, _, _ = repeats(1e3)
    kinds = np.repeat(["wt", "ko", "het", "dup", "inv", "del", "amp", "snv", "cnv"], 9)
    assert said_of(genes, kinds, sample=[f"{kind}_{k % 9}" for k, kind in enumerate(kinds)]) == []


@pytest.mark.parametrize("noise", [0.01, 0.3])
def test_rows_that_are_nearly_the_same(said_of, noise):
    genes, y, patient = repeats(noise)
    names = [f"S{k:03}" for k in np.random.default_rng(1).permutation(81)]
    (line,) = said_of(genes, y, sample=names)
    assert line.startswith("warning: 81 of 81 rows are nearly the same as another, such as line 2")
    assert "line 29 (correlation 0." in line or "line 29 (correlation 1." in line
    assert "--groups" in line
    with_patient = {"patient": [f"p{k}" for k in patient]}
    assert said_of(genes, y, **with_patient, groups="patient") == []
    (told,) = said_of(genes, y, **with_patient)
    assert "'patient' looks like a group" in told
    assert said_of(genes, y, **with_patient, drop=("patient",)) == [line]


def test_gaps_and_constant_columns_change_nothing(said_of):
    genes, y, _ = repeats(0.1)
    genes[np.random.default_rng(2).random(genes.shape) < 0.1] = np.nan
    genes[:, :20] = 1.0
    (line,) = said_of(genes, y)
    assert "81 of 81 rows are nearly the same" in line


@pytest.mark.parametrize("kind", ["noise", "classes", "one factor", "few columns"])
def test_rows_of_different_samples_are_not_the_same(said_of, kind):
    genes, y, _ = repeats(
        0.3 if kind == "few columns" else 1e3, n_genes=20 if kind == "few columns" else 300
    )
    rng = np.random.default_rng(3)
    if kind == "classes":  # as of tissues, which differ in most of their genes
        genes = rng.normal(0, 5, (3, N_GENES))[np.unique(y, return_inverse=True)[1]]
        genes += rng.normal(0, 1, genes.shape)
    if kind == "one factor":  # as spectra of one substance
        genes = rng.normal(0, 1, (81, 1)) * rng.normal(0, 1, N_GENES)
        genes += rng.normal(0, 0.1, genes.shape)
    assert said_of(genes, y) == []


@pytest.mark.parametrize(
    ("target", "more", "told"),
    [
        ("p", {}, "line 7 and line 22 are both named 'S5' in 'who': a score"),
        (
            "q",
            {},
            "line 7 and line 22 are both named 'S5' in 'who', with different targets: a score",
        ),
        ("p", {"groups": "who"}, None),
        ("p", {"id": "who"}, "are both named 'S5'"),
    ],
)
def test_a_name_that_stands_twice_is_told(tmp_path, target, more, told):
    rng = np.random.default_rng(0)
    names = [*(f"S{k}" for k in range(20)), "S5", *(f"S{k}" for k in range(20, 40))]
    classes = ["pq"[k % 2] for k in range(41)]
    classes[5], classes[20] = "p", target
    rows = [f"{name},{rng.normal():.3f},{y}" for name, y in zip(names, classes, strict=True)]
    (tmp_path / "t.csv").write_text("who,a,y\n" + "\n".join(rows) + "\n")
    notes = tables.read_dataset(TableOptions(str(tmp_path / "t.csv"), ("y",), **more)).notes
    lines = [note for note in notes if "are both named" in note]
    assert (told is None and not lines) or told in lines[0]
