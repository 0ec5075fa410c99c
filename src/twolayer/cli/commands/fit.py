"""`twolayer fit`: from a table to a saved model, with its score beside a linear model's and a constant guess's."""

from __future__ import annotations

import time as clock
from contextlib import suppress
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twolayer import saving, tables
from twolayer.cli import fit_checks, options, output_paths
from twolayer.cli.checkpoint_options import CheckpointOptions
from twolayer.cli.config import config_is_current, printable_name, settings_toml, use_config
from twolayer.cli.loss_picture import Painter
from twolayer.cli.output import Output
from twolayer.cli.training_options import TrainingOptions, training_options
from twolayer.evaluation.assessment import assess_test_rows
from twolayer.evaluation.score_intervals import score_intervals
from twolayer.evaluation.scores import ScoresByModel, score_table
from twolayer.evaluation.splits import TrainTestSplit, time_folds, time_slices, train_test_rows
from twolayer.evaluation.verdict import Verdict, verdict
from twolayer.files import as_json_value
from twolayer.inspection.training_history import TrainingHistory
from twolayer.inspection.weights import column_spreads, idle_unit_counts
from twolayer.tables import Dataset, Encoder, Target, left_out_reasons
from twolayer.text import first_names
from twolayer.training.ctrl_c import CtrlCState, ctrl_c_stops

MAX_LISTED_CLASSES = 8


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


def fit(
    table: options.TablePath,
    target: options.TargetNames,
    task: options.TaskOption = "auto",
    n_hidden: Annotated[
        str,
        typer.Option(help="Units in the hidden layer; with --cv several to choose from: 10,50."),
    ] = "50",
    alpha: Annotated[
        str,
        typer.Option(
            help="Weight decay: larger is smoother; auto chooses it; with --cv also 0.1,1,10."
        ),
    ] = "auto",
    activation: Annotated[
        str, typer.Option(help="relu, identity, tanh, logistic, leaky_relu, softplus, or gelu.")
    ] = "relu",
    max_iter: Annotated[int, typer.Option(help="Steps of training at most.")] = 1000,
    test_size: Annotated[float, typer.Option(help="Share of the rows kept for the test.")] = 0.25,
    seed: Annotated[int, typer.Option(help="Of the split and of the first weights.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the model and what goes with it.")] = Path(
        "."
    ),
    engine: Annotated[str, typer.Option(help="Who computes the gradients, or auto.")] = "auto",
    n_networks: Annotated[
        str,
        typer.Option(help="Networks whose answers are averaged; auto is 5 where they cost little."),
    ] = "auto",
    cv: Annotated[
        int | None,
        typer.Option(help="Choose alpha and n-hidden by cross-validation with so many folds."),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            help="Where to train: cpu; cuda or cuda:1, a GPU by engine torch; auto, a GPU if there is one and it pays."
        ),
    ] = "cpu",
    skip: Annotated[
        bool | None,
        typer.Option(
            "--skip/--no-skip",
            help="Let the inputs act on the output directly too, or not; seen to by itself if not given.",
        ),
    ] = None,
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
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="A file to keep the training in as it goes, in case it is killed."),
    ] = None,
    every: Annotated[
        float, typer.Option(help="Seconds from one writing of the checkpoint to the next.")
    ] = 60.0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint, if it is there.")
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Take the settings from this file, which a fit wrote.",
            is_eager=True,
            callback=use_config,
        ),
    ] = None,
) -> FitResult:
    """Learn a column of a table from the others, test what was learned, and save it.

    Columns may hold numbers, categories, or yes and no; missing values are filled in and marked. A part of the rows is kept
    for the test. The network is trained on the others, whose mean and spread standardise the columns. Its score on the test
    rows stands beside a linear model's and a constant guess's. Written are the model, TABLE.twolayer.safetensors, a picture
    of the loss, TABLE.loss.png, and the settings, TABLE.fit.toml, from which --config repeats the fit.
    """
    given = dict(locals())

    with ctrl_c_stops(checkpoint) as stop:
        how = training_options(
            n_hidden,
            alpha,
            activation,
            max_iter,
            test_size,
            seed,
            engine,
            n_networks,
            cv,
            device,
            skip,
        )
        asked = options.table_options(
            table,
            target,
            task=task,
            labels=labels,
            id_column=id_column,
            weights=weights,
            groups=groups,
            time=time,
            drop=drop,
            category=category,
            transpose=transpose,
            delimiter=delimiter,
            drop_missing_target=drop_missing_target,
            sheet=sheet,
            labels_sheet=labels_sheet,
        )
        paths = output_files(Path(table), Path(out))
        read = {"the table": Path(table), "--labels": labels, "--checkpoint": checkpoint}
        output_paths.check_not_input(paths, read)
        defaults = {name: one.default for name, one in signature(fit).parameters.items()}
        kept = config_is_current(config, paths[2], given, defaults)
        keeping = CheckpointOptions(checkpoint, every, resume)
        with Painter() as painter:
            return run_fit(
                asked,
                how,
                paths,
                None if kept else given,
                Output(quiet, as_json),
                painter,
                stop,
                keeping,
            )


def run_fit(
    asked: Any,
    how: TrainingOptions,
    paths: tuple[Path, Path, Path],
    given: dict[str, Any] | None,
    voice: Output,
    painter: Painter,
    stop: CtrlCState,
    keeping: CheckpointOptions | None = None,
) -> FitResult:
    """Read, train, compare, tell and write; the settings too, unless they are None."""

    data = tables.read_dataset(asked)
    target = data.target
    parts = train_test_rows(
        target.values,
        how.test_size,
        how.seed,
        classifies=target.task == "classification",
        name=target.name,
        groups=data.groups,
        order=data.order,
    )
    fit_checks.check_part_weights(data, parts)
    encoder = tables.Encoder.fit(data.table, data.kinds, parts.train)
    found = tables.EncodingReport()
    x = encoder.encode(data.table, found)
    fit_checks.check_inputs_left(encoder, data)
    fit_checks.check_control_characters(encoder, data)
    for line in dataset_lines(data, encoder, found, parts, how.seed):
        voice.say(line)

    model = build_estimator(data.target.task, how)
    with (keeping or CheckpointOptions()).opened(voice):
        course = TrainingHistory(max_trainings=1)
        seconds = train_model(model, x, data, parts, how, voice, course)
    assessed = assess_test_rows(
        model,
        x,
        target.values,
        parts,
        weights=data.weights,
        groups=data.groups,
        inputs=encoder.features(),
        sources=encoder.sources(),
        targets=list(asked.targets),
        grouped_by=asked.groups or "",
    )
    sure = score_intervals(assessed)
    scores, spoken = sure.scores, verdict(assessed, sure)
    for line in [training_line(model, seconds), "", *score_lines(scores, spoken)]:
        voice.say(line)
    model.feature_names_in_ = np.array(encoder.features(), dtype=object)
    about = {
        "table": printable_name(Path(asked.path).name),
        "target": asked.targets[0] if len(asked.targets) == 1 else list(asked.targets),
        "task": data.target.task,
        "rows": {"train": len(parts.train), "test": len(parts.test)},
        "test_size": how.test_size,
        "seed": how.seed,
        "groups": asked.groups,
        "time": asked.time,
        "weights": asked.weights,
        "scores": scores,
        "encoder": encoder.as_json(),
        "training": training_summary(model, x[parts.train], course),
    }
    text = None if given is None else settings_toml(given, paths[2])
    write_outputs(model, about, paths, text, voice, painter, stop)
    voice.result(
        {
            **{name: about[name] for name in ("table", "target", "task", "rows", "seed", "scores")},
            "standing": spoken.standing,
            "verdict": [spoken.headline, *spoken.sentences],
            "n_inputs": model.n_features_in_,
            "n_hidden": n_hidden_units(model),
            "n_networks": model.n_networks_,
            "alpha": model.alpha_,
            "steps": model.n_iter_,
            "stopped": model.stopped_,
            "seconds": seconds,
            "notes": [*data.notes, *tables.left_out_reasons(encoder), *found.sentences()],
            "files": {"model": paths[0], "picture": paths[1], "settings": paths[2]},
        }
    )
    return FitResult(model, scores, *paths)


def output_files(table: Path, out: Path) -> tuple[Path, Path, Path]:
    """Where model, picture and settings go; raise FileError if that is no place to write."""

    output_paths.check_writable(out)
    name = options.table_stem(table)
    return (
        out / f"{name}.twolayer.safetensors",
        out / f"{name}.loss.png",
        out / f"{name}.fit.toml",
    )


def build_estimator(task: str, how: TrainingOptions) -> Any:
    """The model for that task."""
    from twolayer import estimators

    shared = {
        "activation": how.activation,
        "max_iter": how.max_iter,
        "engine": how.engine,
        "device": how.device,
        "skip": "auto" if how.skip is None else how.skip,
        "random_state": how.seed,
    }
    kind = "Classifier" if task == "classification" else "Regressor"
    if how.cv is None:
        make = getattr(estimators, f"TwoLayer{kind}")
        return make(how.n_hidden[0], alpha=how.alpha, n_networks=how.n_networks, **shared)
    alphas = None if how.alpha == "auto" else how.alpha
    return getattr(estimators, f"TwoLayer{kind}CV")(
        how.n_hidden if len(how.n_hidden) > 1 else how.n_hidden[0],
        alphas=[alphas] if isinstance(alphas, float) else alphas,
        cv=how.cv,
        n_networks=5 if how.n_networks == "auto" else how.n_networks,
        **shared,
    )


def train_model(
    model: Any,
    x: Any,
    data: Dataset,
    parts: TrainTestSplit,
    how: TrainingOptions,
    voice: Output,
    course: TrainingHistory,
) -> float:
    """Fit the model on its part of the rows; how many seconds it took."""
    rows = parts.train
    more = {} if data.weights is None else {"sample_weight": data.weights[rows]}
    before = clock.perf_counter()
    with voice.progress("training") as progress:
        if how.cv is None:
            model.callback = [lambda now: progress.to(now.step, now.steps), course]
            together = kept_together(data, rows)
            model.fit(x[rows], data.target.values[rows], groups=together, **more)
            model.callback = None
        else:
            if data.groups is not None:
                more["groups"] = data.groups[rows]
            if data.order is not None:
                model.cv = time_folds(data.order[rows], how.cv)
            model.callback = lambda done, total: progress.to(done, total)
            model.fit(x[rows], data.target.values[rows], **more)
            model.cv, model.callback = how.cv, None
    return clock.perf_counter() - before


def kept_together(data: Dataset, rows: Any) -> Any:
    """Return what stays together where alpha is chosen: the groups; of rows in time, a fifth of the time each."""

    if data.groups is not None:
        return data.groups[rows]
    return None if data.order is None else time_slices(data.order[rows])


def dataset_lines(
    data: Dataset, encoder: Encoder, found: Any, parts: TrainTestSplit, seed: int
) -> list[str]:
    """What was read, what is to be learned, and how the rows are split."""

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
    return [
        f"{data.table.path}: {data.table.n_rows} rows, {inputs}",
        *(
            f"  {line}"
            for line in [
                *data.notes,
                *left_out_reasons(encoder),
                *kind_lines(encoder),
                *found.sentences(),
            ]
        ),
        f"{holds} {target.reason}: {target.task}{hint}{class_counts(target)}",
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


def class_counts(target: Target) -> str:
    """How many rows each class has, for a line of their own."""

    if target.task != "classification":
        return ""
    names, counts = np.unique(target.values, return_counts=True)
    pairs = [f"{name} ({count})" for name, count in zip(names, counts, strict=True)]
    more = len(pairs) - MAX_LISTED_CLASSES
    shown = ", ".join(pairs[:MAX_LISTED_CLASSES]) + (f" and {more} more" if more > 0 else "")
    return f"\nclasses (rows): {shown}"


def n_hidden_units(model: Any) -> int:
    """The number of units of a fitted model."""
    return int(model.w1_.shape[-1])


def training_line(model: Any, seconds: float) -> str:
    """How the training went."""

    many = f"{model.n_networks_} network{'s' * (model.n_networks_ != 1)}"
    place = "" if model.device_ == "cpu" else f" on {model.device_}"
    return (
        f"trained {many} of {n_hidden_units(model)} hidden units, alpha {model.alpha_:g}: "
        f"{model.n_iter_} steps, loss {np.mean(model.loss_):.4g}, {seconds:.2f} s{place} ({model.stopped_})"
    )


def training_summary(model: Any, x: Any, course: TrainingHistory) -> dict[str, Any]:
    """What `inspect` and `report` tell of the training, and the spread of each input, in which its weight is to be seen."""

    return {
        "spreads": as_json_value(column_spreads(x)),
        "idle_units": idle_unit_counts(model, x),
        "course": as_json_value(course.table(model.n_networks_)),
    }


def score_lines(scores: ScoresByModel, spoken: Verdict) -> list[str]:
    """Return the scores as a table, and the verdict."""

    return [
        *score_table(scores, "on the test rows"),
        "",
        spoken.headline,
        *spoken.sentences,
    ]


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
        picture_path: painter.loss_curve(model.loss_curve_, title),
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
