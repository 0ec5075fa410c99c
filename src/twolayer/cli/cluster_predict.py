"""`twolayer predict --cluster`: a folder of tables in, a folder of answers out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twolayer.cli.output import Output
from twolayer.distributed.cluster import open_cluster
from twolayer.distributed.file_list import ZARR, list_files
from twolayer.distributed.folder_dataset import open_blocks
from twolayer.distributed.predicted_parts import (
    PredictionReport,
    check_new_folder,
    predict_parts,
    prediction_columns,
)
from twolayer.distributed.zarr_predictions import predict_store, store_inputs
from twolayer.errors import InputError
from twolayer.saving.saved_model import SavedModel
from twolayer.training.ctrl_c import ctrl_c_stops


def predict_files(
    cluster: str, model: SavedModel, given: Mapping[str, Any], output: Output
) -> PredictionReport:
    """Write the answers for all rows into a new folder, and return what is told of them."""
    out, fill = given["out"], given["fill_missing_columns"]
    if out is None:
        raise InputError("--cluster needs --out FOLDER, a new folder for the parts of the answers")
    check_new_folder(Path(out))
    path = str(given["table"])
    if list_files(path)[0] == ZARR:
        return predict_zarr(cluster, path, model, given, output)
    table = open_blocks(path, given["delimiter"])
    prediction_columns(table, model, fill)
    for note in table.notes:
        output.aside(note)
    with (
        ctrl_c_stops(),
        open_cluster(cluster, output.aside) as client,
        output.progress("blocks predicted") as progress,
    ):
        return predict_parts(
            client,
            table,
            model,
            Path(out),
            proba=given["proba"],
            interval=given["interval"],
            fill=fill,
            ending=table.ending,
            progress=progress.to,
        )


def predict_zarr(
    cluster: str, path: str, model: SavedModel, given: Mapping[str, Any], output: Output
) -> PredictionReport:
    """Write the answers for the rows of a Zarr store, and return what is told of them."""
    store_inputs(path, model)
    if given["interval"] is not None and model.classifies:
        raise InputError(
            "--interval for classes cannot go with a Zarr store: leave it out, or take --proba"
        )
    with (
        ctrl_c_stops(),
        open_cluster(cluster, output.aside) as client,
        output.progress("blocks predicted") as progress,
    ):
        return predict_store(
            client,
            path,
            model,
            Path(given["out"]),
            proba=given["proba"],
            interval=given["interval"],
            progress=progress.to,
        )
