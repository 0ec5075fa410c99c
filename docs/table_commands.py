"""Print what the commands in docs/tables.md print, on the tables that they are shown with.

python docs/table_commands.py        # needs wide/TOX-171.mat in TWOLAYER_DATA, by default ../shared/data
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas
from scipy.io import loadmat
from sklearn.datasets import load_breast_cancer

DATA = Path(os.environ.get("TWOLAYER_DATA", Path(__file__).parents[2] / "shared" / "data"))
NEW_ROWS = 100
BIOPSIES = "biopsies.twolayer.safetensors"
COMMANDS = (
    ("fit", "biopsies.csv", "--target", "diagnosis"),
    ("predict", BIOPSIES, "new.csv", "--proba", "--out", "answers.csv"),
    ("evaluate", BIOPSIES, "new.csv"),
    ("fit", "tissues.csv", "--target", "tissue"),
    ("inspect", "tissues.twolayer.safetensors", "--top", "5"),
    ("test", "biopsies.csv", "--target", "diagnosis", "--n", "50", "--n-hidden", "10"),
)


def write_biopsies(folder: Path) -> None:
    """Write scikit-learn's breast cancer table with names of samples, hospitals and a few gaps; its last rows as new.csv."""
    table = load_breast_cancer(as_frame=True)
    names = table.target.map(dict(enumerate(table.target_names)))
    rng = np.random.default_rng(0)
    frame = table.data.assign(hospital=rng.choice(["north", "south", "west"], len(names)))
    frame.insert(0, "sample", [f"B{k}" for k in range(len(frame))])
    frame.loc[rng.random(len(frame)) < 0.02, "mean texture"] = np.nan
    frame["diagnosis"] = names
    frame[:-NEW_ROWS].to_csv(folder / "biopsies.csv", index=False)
    frame[-NEW_ROWS:].to_csv(folder / "new.csv", index=False)


def write_tissues(folder: Path) -> None:
    """Write TOX-171, genes of samples of four tissues."""
    table = loadmat(DATA / "wide" / "TOX-171.mat")
    genes = [f"g{k:05d}" for k in range(1, table["X"].shape[1] + 1)]
    frame = pandas.DataFrame(table["X"], columns=genes)
    frame["tissue"] = [f"t{k}" for k in table["Y"].ravel().astype(int)]
    frame.to_csv(folder / "tissues.csv", index=False)


def main() -> None:
    """Write the tables, run the commands, and show them."""
    code = "import sys; from twolayer.cli.main import main; main(sys.argv[1:])"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_biopsies(folder)
        write_tissues(folder)
        for words in COMMANDS:
            print("\n$ twolayer", *words, flush=True)
            subprocess.run([sys.executable, "-c", code, *words], cwd=folder, check=True)
        answers = (folder / "answers.csv").read_text().splitlines()
        print("\n$ head -3 answers.csv", *answers[:3], sep="\n")


if __name__ == "__main__":
    main()
