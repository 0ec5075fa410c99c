"""`twolayer fit --cluster`: a table in many files, learned from where it is; what is said and saved is as on one machine."""

from __future__ import annotations

import sys
import time as clock
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from twolayer.cli.checkpoint_options import CheckpointOptions
from twolayer.cli.cluster_options import folder_name
from twolayer.cli.config import printable_name
from twolayer.cli.fit_results import (
    build_estimator,
    say_results,
    training_results,
    training_summary,
)
from twolayer.cli.output import Output
from twolayer.cli.training_options import TrainingOptions
from twolayer.distributed.cluster import open_cluster
from twolayer.distributed.collections import is_dask
from twolayer.distributed.column_fit import MOST_NUMBERS_HERE, take_arrays
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.distributed.file_list import ZARR, list_files
from twolayer.distributed.folder_dataset import FolderDataset, open_blocks, read_folder_dataset
from twolayer.distributed.survey import BlockRows
from twolayer.distributed.zarr_dataset import ZarrDataset, read_zarr_dataset
from twolayer.distributed.zarr_store import open_zarr
from twolayer.errors import InputError, TwoLayerWarning
from twolayer.evaluation.assessment import Assessment, assess, assess_test_rows
from twolayer.evaluation.splits import TrainTestSplit
from twolayer.inspection.training_history import TrainingHistory
from twolayer.tables import Encoder, TableOptions
from twolayer.text import first_names, plural

MOST_NETWORKS = 5  # of "auto"
BlockedDataset = FolderDataset | ZarrDataset


def run_cluster_fit(
    cluster: str,
    asked: TableOptions,
    training: TrainingOptions,
    output: Output,
    checkpoints: CheckpointOptions,
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Read, train, compare and say so; return the model, what its file tells of the fit, and the results for programs."""
    read = opened_table(asked)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        output.aside(line)

    with open_cluster(cluster, say) as client:
        with output.progress("blocks read and checked") as progress:
            dataset = read(client, training, progress.to)
        check_model_size(dataset, training)
        for line in folder_lines(dataset, training.seed):
            output.say(line)
        model = build_estimator(dataset.task, training)
        with checkpoints.opened(output):
            seconds = train_on_blocks(model, dataset, client, output, said)
        assessed = assess_blocks(model, dataset, asked)
    judged = say_results(assessed, seconds, False, output)
    about = {
        "table": printable_name(folder_name(asked.path)),
        "target": asked.targets[0] if len(asked.targets) == 1 else list(asked.targets),
        "task": dataset.task,
        "rows": dict(zip(("train", "test"), dataset.counts, strict=True)),
        "test_size": training.test_size,
        "seed": training.seed,
        "weights": asked.weights,
        "scores": judged.scores,
    }
    results = {
        **{name: about[name] for name in ("table", "target", "task", "rows", "seed", "scores")},
        "standing": judged.standing,
        "verdict": judged.words,
        **training_results(model, seconds),
        "notes": [*dataset.notes, *sample_notes(dataset)],
    }
    if dataset.train is not None:
        encoder = number_encoder(dataset, dataset.train)
        model.feature_names_in_ = np.array(encoder.features(), dtype=object)
        about["encoder"] = encoder.as_json()
        x = dataset.train.x.astype(np.float64)
        about["training"] = training_summary(model, x, TrainingHistory())
    return model, about, results


def check_model_size(dataset: BlockedDataset, training: TrainingOptions) -> None:
    """Raise InputError if the weights of a wide table's columns are too many for a model's file."""
    n_inputs, n_units = len(dataset.inputs), max(training.n_hidden)
    n_networks = MOST_NETWORKS if training.n_networks == "auto" else training.n_networks
    count = n_inputs * n_units * n_networks
    if n_inputs > dataset.counts[0] and count > MOST_NUMBERS_HERE:
        raise InputError(
            f"{n_inputs:,} inputs, {n_units} hidden units and {plural(n_networks, 'network')} make {count:,} weights, and "
            f"the file of a wide table's model holds {MOST_NUMBERS_HERE:,}: choose a smaller --n-hidden or --n-networks, or "
            "fit in Python, where w1_ stays on the cluster"
        )


def opened_table(asked: TableOptions) -> Callable[..., BlockedDataset]:
    """Return the function of a client, TrainingOptions and progress that reads the table, which has been looked at.

    Raises
    ------
    FileError, InputError
        If there is no such table, or what is asked for is not in it.
    """
    if is_store(asked.path):
        for option, given in (("--weights", asked.weights), ("--drop", asked.drop)):
            if given:
                raise InputError(
                    f"{option} names a column, and {asked.path} is a Zarr store, whose columns have no names: leave it out"
                )
        open_zarr(asked.path, asked.targets)
        return lambda client, training, progress: read_zarr_dataset(
            client,
            asked.path,
            asked.targets,
            task=asked.task,
            test_size=training.test_size,
            seed=training.seed,
            progress=progress,
        )
    table = open_blocks(asked.path, asked.delimiter)
    table.input_names([*asked.targets, *asked.parts], asked.drop)
    return lambda client, training, progress: read_folder_dataset(
        client,
        table,
        asked.targets,
        task=asked.task,
        weights=asked.weights,
        drop=asked.drop,
        test_size=training.test_size,
        seed=training.seed,
        progress=progress,
    )


def is_store(path: str) -> bool:
    """Return whether that is a Zarr store."""
    return list_files(path)[0] == ZARR


def train_on_blocks(
    model: Any, dataset: BlockedDataset, client: Any, output: Output, said: list[str]
) -> float:
    """Fit the model to the rows of training where they are; how many seconds it took. `said`: lines not to say again.

    The lengths of the gradients are not noted as on one machine: each would be one more pass over all rows.
    """
    from sklearn.exceptions import ConvergenceWarning

    x, y, weights = dataset.training_arrays()
    if x.shape[1] > x.shape[0]:  # as the estimators want a wide table
        x = x.rechunk({0: -1, 1: "auto"})
    more = {} if weights is None else {"sample_weight": weights}
    before = clock.perf_counter()
    with output.progress("training") as progress, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TwoLayerWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)  # said with the results
        model.callback = lambda now: progress.to(now.step, now.steps)
        model.fit(x, y, client=client, **more)
        if is_dask(model.w1_):  # its file holds it: a little more than what would stay there
            take_arrays(model, DaskWorkers(client), sys.maxsize)
    for line in (str(one.message) for one in caught):
        if line not in said:
            output.say(f"warning: {line}")
    model.callback = None
    return clock.perf_counter() - before


def number_encoder(dataset: BlockedDataset, train: BlockRows) -> Encoder:
    """Return the rule by which columns become inputs: as they are; a gap becomes the sample's median."""
    n_numbers = len(dataset.inputs) - len(dataset.booleans)
    medians = np.median(train.x, axis=0).astype(np.float64)
    fills = zip(dataset.booleans, medians[n_numbers:].tolist(), strict=True)
    booleans = {name: int(median > 0.5) for name, median in fills}
    return Encoder(dataset.inputs[:n_numbers], medians[:n_numbers], booleans)


def assess_blocks(model: Any, dataset: BlockedDataset, asked: TableOptions) -> Assessment:
    """Return an assessment on the sample of the test rows, beside a linear model of the sample of the rows of training.

    Of a table whose rows are too long to be sampled: on all test rows where they are, beside the best constant.
    """
    names: dict[str, Any] = {"targets": list(asked.targets), "weighted_by": asked.weights or ""}
    names |= {"inputs": dataset.inputs, "sources": dataset.inputs}
    train, test = dataset.train, dataset.test
    if train is None or test is None:
        assert isinstance(dataset, ZarrDataset)
        return replace(assess(model, *dataset.test_arrays(), **names), held_out=True)
    n_train, n_rows = len(train.x), len(train.x) + len(test.x)
    weights = None
    if train.weights is not None and test.weights is not None:
        weights = np.concatenate([train.weights, test.weights])
    return assess_test_rows(
        model,
        np.concatenate([train.x, test.x]).astype(np.float64),
        np.concatenate([train.y, test.y]),
        TrainTestSplit(np.arange(n_train), np.arange(n_train, n_rows)),
        weights=weights,
        **names,
    )


def folder_lines(dataset: BlockedDataset, seed: int) -> list[str]:
    """What was read, what is to be learned, and how the rows are split."""
    targets, (n_train, n_test) = dataset.targets, dataset.counts
    holds = (
        f"target{'s' * (len(targets) > 1)} '{', '.join(targets)}' hold{'s' * (len(targets) == 1)}"
    )
    other = "regression" if dataset.task == "classification" else "classification"
    hint = "" if dataset.reason == "text" or len(targets) > 1 else f" (if not, --task {other})"
    classes = f"\nclasses: {first_names(dataset.classes, 8)}" if dataset.classes else ""
    return [
        dataset.shape_line(),
        *(f"  {note}" for note in [*dataset.notes, *sample_notes(dataset)]),
        f"{holds} {dataset.reason}: {dataset.task}{hint}{classes}",
        f"{n_train:,} rows to train on, {n_test:,} kept for the test, seed {seed}",
    ]


def sample_notes(dataset: BlockedDataset) -> list[str]:
    """A line about the rows that the scores are computed from, if these are not all."""
    if dataset.train is None or dataset.test is None:
        return []
    n_train, n_test = len(dataset.train.x), len(dataset.test.x)
    if (n_train, n_test) == dataset.counts:
        return []
    return [
        f"scores are those of {n_test:,} of the test rows, and the linear model learns from {n_train:,} of the rows of "
        "training, drawn evenly"
    ]
