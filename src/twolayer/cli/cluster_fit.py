"""`twolayer fit --cluster`: a table in many files, learned from where it is; what is said and saved is as on one machine."""

from __future__ import annotations

import time as clock
import warnings
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
from twolayer.distributed.blocks import BOOLEAN
from twolayer.distributed.cluster import open_cluster
from twolayer.distributed.folder_dataset import FolderDataset, open_blocks, read_folder_dataset
from twolayer.errors import TwoLayerWarning
from twolayer.evaluation.assessment import Assessment, assess_test_rows
from twolayer.evaluation.splits import TrainTestSplit
from twolayer.inspection.training_history import TrainingHistory
from twolayer.tables import Encoder, TableOptions
from twolayer.text import first_names, plural


def run_cluster_fit(
    cluster: str,
    asked: TableOptions,
    training: TrainingOptions,
    output: Output,
    checkpoints: CheckpointOptions,
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Read, train, compare and say so; return the model, what its file tells of the fit, and the results for programs."""
    table = open_blocks(asked.path, asked.delimiter)
    table.input_names([*asked.targets, *asked.parts], asked.drop)
    with open_cluster(cluster, output.aside) as client:
        with output.progress("blocks read and checked") as progress:
            dataset = read_folder_dataset(
                client,
                table,
                asked.targets,
                task=asked.task,
                weights=asked.weights,
                drop=asked.drop,
                test_size=training.test_size,
                seed=training.seed,
                progress=progress.to,
            )
        for line in folder_lines(dataset, training.seed):
            output.say(line)
        model = build_estimator(dataset.task, training)
        with checkpoints.opened(output):
            seconds = train_on_blocks(model, dataset, client, output)
    encoder = number_encoder(dataset)
    assessed = assess_sample(model, dataset, encoder, asked)
    judged = say_results(assessed, seconds, False, output)
    model.feature_names_in_ = np.array(encoder.features(), dtype=object)
    about = {
        "table": printable_name(folder_name(asked.path)),
        "target": asked.targets[0] if len(asked.targets) == 1 else list(asked.targets),
        "task": dataset.task,
        "rows": {"train": sum(dataset.n_train), "test": sum(dataset.n_test)},
        "test_size": training.test_size,
        "seed": training.seed,
        "weights": asked.weights,
        "scores": judged.scores,
        "encoder": encoder.as_json(),
        "training": training_summary(model, dataset.train.x, TrainingHistory()),
    }
    results = {
        **{name: about[name] for name in ("table", "target", "task", "rows", "seed", "scores")},
        "standing": judged.standing,
        "verdict": judged.words,
        **training_results(model, seconds),
        "notes": [*table.notes, *sample_notes(dataset)],
    }
    return model, about, results


def train_on_blocks(model: Any, dataset: FolderDataset, client: Any, output: Output) -> float:
    """Fit the model to the rows of training where they are; how many seconds it took.

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
    for one in caught:
        output.say(f"warning: {one.message}")
    model.callback = None
    return clock.perf_counter() - before


def number_encoder(dataset: FolderDataset) -> Encoder:
    """Return the rule by which columns become inputs: as they are; a gap becomes the sample's median."""
    inputs, kinds = dataset.plan.inputs, dataset.plan.table.kinds
    medians = np.median(dataset.train.x, axis=0)
    yes_or_no = [kinds[name] == BOOLEAN for name in inputs]
    numbers = [name for name, flag in zip(inputs, yes_or_no, strict=True) if not flag]
    fills = zip(inputs, yes_or_no, medians.tolist(), strict=True)
    booleans = {name: int(median > 0.5) for name, flag, median in fills if flag}
    return Encoder(numbers, medians[~np.array(yes_or_no)].astype(np.float64), booleans)


def assess_sample(
    model: Any, dataset: FolderDataset, encoder: Encoder, asked: TableOptions
) -> Assessment:
    """Return an assessment on the sample of the test rows, beside a linear model of the sample of the rows of training."""
    train, test = dataset.train, dataset.test
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
        inputs=encoder.features(),
        sources=encoder.sources(),
        targets=list(asked.targets),
        weighted_by=asked.weights or "",
    )


def folder_lines(dataset: FolderDataset, seed: int) -> list[str]:
    """What was read, what is to be learned, and how the rows are split."""
    table, targets = dataset.plan.table, dataset.plan.targets
    n_train, n_test = sum(dataset.n_train), sum(dataset.n_test)
    names = ", ".join(targets)
    holds = f"target{'s' * (len(targets) > 1)} '{names}' hold{'s' * (len(targets) == 1)}"
    other = "regression" if dataset.task == "classification" else "classification"
    hint = "" if dataset.reason == "text" or len(targets) > 1 else f" (if not, --task {other})"
    classes = f"\nclasses: {first_names(dataset.classes, 8)}" if dataset.classes else ""
    return [
        f"{table.pattern}: {plural(n_train + n_test, 'row')} in {plural(table.n_files, 'file')}, "
        f"{plural(len(dataset.plan.inputs), 'input column')} of {table.dtype}, read in {plural(len(table.blocks), 'block')}",
        *(f"  {note}" for note in [*table.notes, *sample_notes(dataset)]),
        f"{holds} {dataset.reason}: {dataset.task}{hint}{classes}",
        f"{n_train:,} rows to train on, {n_test:,} kept for the test, seed {seed}, a share of every block",
    ]


def sample_notes(dataset: FolderDataset) -> list[str]:
    """A line about the rows that the scores are computed from, if these are not all."""
    n_test, n_train = len(dataset.test.x), len(dataset.train.x)
    if n_test == sum(dataset.n_test) and n_train == sum(dataset.n_train):
        return []
    return [
        f"scores are those of {n_test:,} of the test rows, and the linear model learns from {n_train:,} of the rows of "
        "training, drawn evenly from all blocks"
    ]
