"""`twolayer fit`: from a table to a saved model, with its score beside a linear model's and a constant guess's."""

from __future__ import annotations

import time as clock
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twolayer import saving, tables
from twolayer.cli import options, output_paths, training_options
from twolayer.cli.checkpoint_options import (
    CheckpointInterval,
    CheckpointOptions,
    CheckpointPath,
    Resume,
)
from twolayer.cli.cluster_options import ClusterName, check_cluster_options, folder_name
from twolayer.cli.config import ConfigPath, config_is_current, printable_name, settings_toml
from twolayer.cli.earlier_fit import check_earlier_fit, note_data_changes
from twolayer.cli.fit_results import (
    build_estimator,
    say_results,
    training_results,
    training_summary,
)
from twolayer.cli.loss_picture import Painter
from twolayer.cli.output import Output
from twolayer.cli.training_options import TrainingOptions
from twolayer.errors import TwoLayerWarning
from twolayer.evaluation.assessment import assess_test_rows
from twolayer.evaluation.scores import ScoresByModel
from twolayer.evaluation.splits import time_folds
from twolayer.inspection.training_history import TrainingHistory
from twolayer.tables import EncodedDataset, Encoder, TableOptions, left_out_reasons
from twolayer.text import first_names
from twolayer.training.ctrl_c import CtrlCState, ctrl_c_stops


@dataclass(frozen=True, eq=False)
class FitResult:
    """What a fit left behind.

    Attributes
    ----------
    model : fitted estimator
    scores : dict
        Of the test rows: model -> score -> value.
    model_path, picture_path, settings_path : Path
    """

    model: Any
    scores: ScoresByModel
    model_path: Path
    picture_path: Path
    settings_path: Path


@options.with_layout
def fit(
    table: options.TablePath,
    target: options.TargetNames,
    task: options.TaskOption = "auto",
    n_hidden: training_options.Units = "50",
    alpha: training_options.Alpha = "auto",
    activation: training_options.ActivationName = "relu",
    max_iter: training_options.MaxIter = 1000,
    test_size: training_options.TestSize = 0.25,
    seed: training_options.Seed = 0,
    out: Annotated[Path, typer.Option(help="Folder for the model and what goes with it.")] = Path(
        "."
    ),
    engine: training_options.EngineName = "auto",
    n_networks: training_options.Networks = "auto",
    cv: training_options.Folds = None,
    device: training_options.Device = "cpu",
    skip: training_options.Skip = None,
    scaling: training_options.ColumnScaling = "auto",
    class_weight: training_options.ClassWeight = None,
    labels: options.Labels = None,
    id_column: options.Id = None,
    weights: options.WeightsOption = None,
    groups: options.Groups = None,
    time: options.Time = None,
    drop: options.Drop = None,
    category: options.Category = None,
    drop_missing_target: options.DropMissingTarget = False,
    transpose: options.Transpose = False,
    delimiter: options.Delimiter = None,
    sheet: options.Sheet = None,
    labels_sheet: options.LabelsSheet = None,
    checkpoint: CheckpointPath = None,
    every: CheckpointInterval = 60.0,
    resume: Resume = False,
    cluster: ClusterName = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    force: options.Force = False,
    config: ConfigPath = None,
    layout: Any = None,
) -> FitResult:
    """Learn a column of a table from the others, test what was learned, and save it.

    Columns may hold numbers, categories, or yes and no; missing values are filled in and marked. A part of the rows is kept
    for the test. The network is trained on the others, whose mean and spread standardise the columns. Its score on the test
    rows stands beside a linear model's and a constant guess's. Written are the model, TABLE.twolayer.safetensors, a picture
    of the loss, TABLE.loss.png, and the settings, TABLE.fit.toml, from which --config repeats the fit.

    With --cluster the table is many files: their rows are read and trained on where they are, all inputs must be numbers
    without gaps, and the scores are those of at most 20,000 test rows.
    """
    return fit_as_given(options.given_options(dict(locals())))


def fit_as_given(given: dict[str, Any]) -> FitResult:
    """Check what was given, then run the fit."""
    checkpoint, table = given["checkpoint"], Path(given["table"])
    with ctrl_c_stops(checkpoint) as stop:
        training, asked = TrainingOptions.of(given), TableOptions.of(given)
        cluster = None if given["cluster"] is None else check_cluster_options(given)
        named = table if cluster is None else Path(folder_name(table))
        paths = output_files(named, Path(given["out"]))
        read = {"the table": table, "--labels": given["labels"]}
        output_paths.check_not_input(paths, {**read, "--checkpoint": checkpoint})
        defaults = {name: one.default for name, one in signature(fit).parameters.items()}
        kept = config_is_current(given["config"], paths[2], given, defaults)
        output = Output(given["quiet"], given["as_json"])
        check_earlier_fit(paths[0], paths[2], given, asked.targets, named.name)
        note_data_changes(given["config"], given, output)
        checkpoints = CheckpointOptions(checkpoint, given["every"], given["resume"])
        with Painter() as painter:
            run = run_fit if cluster is None else cluster_run(cluster)
            model, about, results = run(asked, training, output, checkpoints)
            text = None if kept else settings_toml(given, paths[2])
            write_outputs(model, about, paths, text, output, painter, stop)
        files = dict(zip(("model", "picture", "settings"), paths, strict=True))
        output.result({**results, "files": files})
        return FitResult(model, about["scores"], *paths)


def cluster_run(cluster: str) -> Callable[..., Any]:
    """Return what runs the fit on a cluster; it is loaded only then, as it takes the estimators and Dask."""
    from twolayer.cli.cluster_fit import run_cluster_fit

    return partial(run_cluster_fit, cluster)


def run_fit(
    asked: TableOptions, training: TrainingOptions, output: Output, checkpoints: CheckpointOptions
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Read, train, compare and say so; return the model, what its file tells of the fit, and the results for programs."""
    subject = tables.encode_dataset(tables.read_dataset(asked), training.test_size, training.seed)
    data = subject.data
    for line in dataset_lines(subject, training.seed):
        output.say(line)
    model = build_estimator(data.target.task, training)
    history = TrainingHistory(max_trainings=1)
    with checkpoints.opened(output):
        seconds = train_model(model, subject, training, output, history)
    assessed = assess_test_rows(
        model,
        subject.x,
        data.target.values,
        subject.parts,
        weights=data.weights,
        groups=data.groups,
        inputs=subject.encoder.features(),
        sources=subject.encoder.sources(),
        targets=list(asked.targets),
        grouped_by=asked.groups or "",
        weighted_by=asked.weights or "",
    )
    judged = say_results(assessed, seconds, bool(data.leaks), output)
    model.feature_names_in_ = np.array(subject.encoder.features(), dtype=object)
    about = fit_description(asked, training, subject, judged.scores)
    about["training"] = training_summary(model, subject.x[subject.parts.train], history)
    results = {
        **{name: about[name] for name in ("table", "target", "task", "rows", "seed", "scores")},
        "standing": judged.standing,
        "verdict": judged.words,
        **training_results(model, seconds),
        "notes": [*data.notes, *left_out_reasons(subject.encoder), *subject.notes],
    }
    return model, about, results


def fit_description(
    asked: TableOptions, training: TrainingOptions, subject: EncodedDataset, scores: ScoresByModel
) -> dict[str, Any]:
    """What the model's file tells of the table, its split and the scores."""
    return {
        "table": printable_name(Path(asked.path).name),
        "target": asked.targets[0] if len(asked.targets) == 1 else list(asked.targets),
        "task": subject.data.target.task,
        "rows": {"train": len(subject.parts.train), "test": len(subject.parts.test)},
        "test_size": training.test_size,
        "seed": training.seed,
        "groups": asked.groups,
        "time": asked.time,
        "weights": asked.weights,
        "scores": scores,
        "encoder": subject.encoder.as_json(),
    }


def output_files(table: Path, out: Path) -> tuple[Path, Path, Path]:
    """Where model, picture and settings go; raise FileError if that is no place to write."""
    output_paths.check_writable(out)
    name = options.table_stem(table)
    return (
        out / f"{name}.twolayer.safetensors",
        out / f"{name}.loss.png",
        out / f"{name}.fit.toml",
    )


def train_model(
    model: Any,
    subject: EncodedDataset,
    training: TrainingOptions,
    output: Output,
    history: TrainingHistory,
) -> float:
    """Fit the model on its part of the rows; how many seconds it took."""
    from sklearn.exceptions import ConvergenceWarning

    data, rows = subject.data, subject.parts.train
    more: dict[str, Any] = {} if data.weights is None else {"sample_weight": data.weights[rows]}
    before = clock.perf_counter()
    with output.progress("training") as progress:
        if training.cv is None:
            model.callback = [lambda now: progress.to(now.step, now.steps), history]
            more["groups"] = data.fold_groups(rows)
        else:
            model.callback = progress.to
            if data.groups is not None:
                more["groups"] = data.groups[rows]
            if data.order is not None:
                model.cv = time_folds(data.order[rows], training.cv)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", TwoLayerWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)  # said with the results
            model.fit(subject.x[rows], data.target.values[rows], **more)
    for one in caught:
        output.say(f"warning: {one.message}")
    model.callback = None
    if training.cv is not None:
        model.cv = training.cv
    return clock.perf_counter() - before


def dataset_lines(subject: EncodedDataset, seed: int) -> list[str]:
    """What was read, what is to be learned, and how the rows are split."""
    data, encoder, parts = subject.data, subject.encoder, subject.parts
    target, n_inputs, n_columns = data.target, len(encoder.features()), len(encoder.columns)
    inputs = f"{n_columns} input column{'s' * (n_columns != 1)}"
    inputs += f", which make {n_inputs} inputs" if n_inputs != n_columns else ""
    other = "regression" if target.task == "classification" else "classification"
    hint = "" if target.reason == "text" or len(target.names) > 1 else f" (if not, --task {other})"
    holds = f"target{'s' * (len(target.names) > 1)} '{target.name}' hold{'s' * (len(target.names) == 1)}"
    split = f"seed {seed}"
    if data.groups is not None:
        split += ", whole groups"
    if data.order is not None:
        split = "the latest"
    notes = [*data.notes, *left_out_reasons(encoder), *kind_lines(encoder), *subject.notes]
    return [
        f"{data.table.path}: {data.table.n_rows} rows, {inputs}",
        *(f"  {line}" for line in notes),
        f"{holds} {target.reason}: {target.task}{hint}{target.counts()}",
        f"{len(parts.train)} rows to train on, {len(parts.test)} kept for the test, {split}",
    ]


def kind_lines(encoder: Encoder) -> list[str]:
    """The columns that are not numbers, in a line each kind."""
    lines = []
    if encoder.booleans:
        lines.append(f"yes or no: {first_names(encoder.booleans)}")
    if encoder.categories:
        shown = [f"'{name}' ({len(levels)})" for name, levels in encoder.categories.items()]
        more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
        lines.append(f"categories: {', '.join(shown[:5])}{more}")
    return lines


def write_outputs(
    model: Any,
    about: dict[str, Any],
    paths: tuple[Path, Path, Path],
    settings_text: str | None,
    voice: Output,
    painter: Painter,
    stop: CtrlCState,
) -> None:
    """Write the model, the picture of its loss and the settings, all or none, and say where they are."""
    model_path, picture_path, settings_path = paths
    title = f"{about['table']}: loss on the training rows"
    contents = {
        model_path: saving.model_bytes(model, about),
        picture_path: painter.loss_curve(model.network_loss_curves_, title),
    }
    if settings_text is not None:
        contents[settings_path] = settings_text.encode()
    stop.is_too_late()
    new = not model_path.parent.exists()
    output_paths.make_folder(model_path.parent)
    try:
        saving.write_files(contents)
    except BaseException:
        with suppress(OSError):
            if new:
                model_path.parent.rmdir()
        raise
    voice.say(f"\nmodel     {model_path}\npicture   {picture_path}\nsettings  {settings_path}")
