"""`--cluster`: a table in many files, on Dask; and the options that have no meaning there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from twolayer.distributed.cluster import check_cluster_name
from twolayer.errors import InputError

ClusterName = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Work on Dask, on a folder or pattern of Parquet or CSV files such as 'folder/*.parquet': tcp://host:8786, the "
        "scheduler of a cluster that runs; local[4], 4 processes here. Needs the extra dask.",
    ),
]

WILD = re.compile(r"[*?\[]")
PLAIN_FILES = "the files are read as they are: numbers, with one header each"
ONE_PASS = "rows are split at random, block by block"
NOT_WITH_CLUSTER = {  # parameter -> its option, the reason
    "labels": ("--labels", "the target must be a column of the files"),
    "labels_sheet": ("--labels-sheet", "the target must be a column of the files"),
    "id_column": ("--id", "nothing is joined there"),
    "groups": ("--groups", ONE_PASS),
    "time": ("--time", ONE_PASS),
    "category": ("--category", "all inputs must be numbers there"),
    "drop_missing_target": ("--drop-missing-target", "every row must have a target there"),
    "transpose": ("--transpose", PLAIN_FILES),
    "sheet": ("--sheet", PLAIN_FILES),
    "comment": ("--comment", PLAIN_FILES),
    "skip_lines": ("--skip-lines", PLAIN_FILES),
    "encoding": ("--encoding", PLAIN_FILES),
    "na": ("--na", PLAIN_FILES),
    "no_header": ("--no-header", PLAIN_FILES),
    "duplicates": ("--duplicates", PLAIN_FILES),
    "cv": ("--cv", "alpha is chosen there without it (--alpha auto), and n-hidden is one number"),
    "safe_cells": ("--safe-cells", "the parts are for programs"),
}
USUAL = {"skip_lines": 0, "duplicates": "refuse"}  # other options are None, False or empty


def folder_name(pattern: Any) -> str:
    """Return what a table in many files is called: as its folder, whatever the pattern of the files in it.

    Examples
    --------
    >>> folder_name("data/sales/*.parquet"), folder_name("data/sales/"), folder_name("genes.zarr")
    ('sales', 'sales', 'genes.zarr')
    """
    path = Path(pattern)
    while path.name and WILD.search(path.name):
        path = path.parent
    return path.name or Path.cwd().name or "table"


def check_cluster_options(given: Mapping[str, Any]) -> str:
    """Return the name of the cluster; raise InputError if it is none, or an option cannot go with it."""
    name = str(given["cluster"])
    for parameter, (option, reason) in NOT_WITH_CLUSTER.items():
        value = given.get(parameter)
        if value and value != USUAL.get(parameter):
            raise InputError(
                f"{option} cannot go with --cluster, where {reason}: leave one of them out"
            )
    if given.get("device", "cpu") != "cpu":
        raise InputError(
            "--device cannot go with --cluster, where every worker takes its processor: leave one of them out"
        )
    check_cluster_name(name)
    return name
