"""`twolayer inspect`: what is in a model file: network, columns, training, and which inputs carry most."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from twolayer import checks
from twolayer.cli import options
from twolayer.cli.output import Output, aligned_lines
from twolayer.evaluation.scores import format_score
from twolayer.inspection.model_facts import model_facts, model_ranking
from twolayer.inspection.ranking import InputRanking
from twolayer.saving.saved_model import SavedModel, open_model
from twolayer.tables import left_out_reasons
from twolayer.text import first_names, plural

BAR_WIDTH = 24  # characters of the longest bar
MAX_NAME_LENGTH = 40
MAX_RANKED_OUTPUTS = 14  # that have a line each
INPUTS_PER_OUTPUT = 5
NEARLY_LINEAR_SHARE = 0.9  # of the weight in the skip layer
FULL_PRECISION = 0.05  # temperatures as near to 1 as this change little
NEARLY_ALL = 1.02  # alphas whose loss is within this factor of the best did nearly as well


def inspect(
    model: options.ModelPath,
    top: Annotated[int, typer.Option(help="How many inputs to name.")] = 10,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> dict[str, Any]:
    """Say what a model is: its network and size, its columns, how it was trained, and its strongest inputs.

    An input is strong by its weights: the share of the paths through the network that begins at it, in units of its spread.
    Inputs that move together share it; what predictions lose without an input is another question, which `report` answers.
    """
    checks.whole_number(top, "--top", at_least=0)
    known = open_model(model)
    voice = Output(quiet, as_json)
    facts = model_facts(known)
    ranking = model_ranking(known)
    told = [*architecture_lines(known, facts), *column_lines(known), *training_lines(known, facts)]
    for line in [
        f"{model}, written {facts['written']}",
        *aligned_lines([*told, *skip_layer_lines(facts, ranking)], "  "),
        *ranking_lines(ranking, top, known),
    ]:
        voice.say(line)
    results = {**facts, **ranking_as_json(ranking, top)}
    voice.result(results)
    return results


def architecture_lines(model: SavedModel, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The network and its size."""
    predicts = "a number"
    if model.several_labels:
        predicts = f"which of {facts['n_outputs']} labels a row has"
    elif model.classifies:
        names = [str(name) for name in facts["classes"]]
        predicts = f"one of {len(names)} classes: {first_names(names)}"
    elif facts["n_outputs"] > 1:
        predicts = f"{facts['n_outputs']} numbers"
    target = f"{first_names(model.targets)}, " if model.targets else ""
    many = facts["n_networks"]
    each = facts["n_weights"] // many
    skip = ", and straight from inputs to outputs" if facts["skip"] else ""
    return [
        ("predicts", f"{target}{predicts}"),
        (
            "network",
            f"{facts['n_inputs']:,} inputs, {facts['n_hidden']:,} hidden units ({facts['activation']}), "
            f"{facts['n_outputs']} output{'s' * (facts['n_outputs'] != 1)}{skip}",
        ),
        ("networks", f"{many}, whose answers are averaged" if many > 1 else "1"),
        *column_view_lines(facts),
        (
            "weights",
            f"{facts['n_weights']:,}{f' ({many} networks of {each:,})' if many > 1 else ''}; the file has "
            f"{size_text(facts['file_bytes'])}",
        ),
        *kept_row_lines(facts["kept_rows"]),
    ]


def kept_row_lines(count: int) -> list[tuple[str, str]]:
    """That the rows of training are in the file, if they are: who passes it on passes them on."""
    held = f"{plural(count, 'row')} of training {'is' if count == 1 else 'are'} in the file, with the targets"
    return [("rows", held)] if count else []


def column_view_lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """How many networks see clipped columns, if any do, and how columns were weighed, if they were."""
    clipped, many = facts["n_clipped_networks"], facts["n_networks"]
    lines, weighing = [], facts["column_weighing"]
    if clipped:
        which = "all networks see" if clipped == many else f"{clipped} of the networks see"
        how = f"{which} them clipped smoothly, around the median in interquartile ranges"
        lines.append(("columns", how))
    if weighing != "none":
        how = f"weighed in training by {weighing}, t of each column alone with the target"
        lines.append(("column weights", how))
    return lines


def size_text(count: float) -> str:
    """Bytes in words."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def column_lines(model: SavedModel) -> list[tuple[str, str]]:
    """What the columns are."""
    encoder = model.encoder
    if encoder is None:
        names = getattr(model.estimator, "feature_names_in_", None)
        return [
            (
                "columns",
                "numbers without names" if names is None else f"numbers: {first_names(names)}",
            )
        ]
    rows = []
    if encoder.numbers:
        rows.append(("numbers", f"{len(encoder.numbers):,}: {first_names(encoder.numbers)}"))
    if encoder.booleans:
        rows.append(("yes or no", f"{len(encoder.booleans)}: {first_names(encoder.booleans)}"))
    rows += [
        (f"'{name}'", f"one of {first_names(levels)}")
        for name, levels in list(encoder.categories.items())[:10]
    ]
    if encoder.marked:
        rows.append(("with gaps", f"{len(encoder.marked)}: {first_names(encoder.marked)}"))
    return rows + [("left out", line) for line in left_out_reasons(encoder)]


def training_lines(model: SavedModel, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """How it was trained, and how well that went."""
    rows = []
    if isinstance(facts["rows"], dict):
        parts = facts["rows"]
        rows.append(
            (
                "trained on",
                f"{parts.get('train')} rows of {facts['table']}, {parts.get('test')} kept for the test",
            )
        )
    rows += [(f"--{part}", f"'{name}'") for part, name in facts["columns_with_a_part"].items()]
    rows.append(("alpha", f"{facts['alpha']:g}{alpha_origin(facts)}"))
    rows.append(
        (
            "training",
            f"{facts['solver']}, {plural(facts['passes'], 'pass', 'passes')}, loss {facts['loss']:.4g} ({facts['stopped']})",
        )
    )
    rows += calibration_lines(facts)
    idle = facts["idle_units"]
    if isinstance(idle, list):
        of = facts["n_networks"] * facts["n_hidden"]
        rows.append(
            ("idle units", f"{sum(idle):,} of {of:,} move no output on the rows of training")
        )
    scores = facts["scores"]
    if isinstance(scores, dict):
        for name, values in scores.items():
            told = ", ".join(
                f"{score} {format_score(score, value)}" for score, value in values.items()
            )
            rows.append((name, told))
    if facts["noise_std"] is not None:
        errors = [f"{value:.4g}" for value in facts["noise_std"]]
        if len(errors) == len(model.targets) > 1:
            errors = [f"'{name}' {one}" for name, one in zip(model.targets, errors, strict=True)]
        by_row = "; it depends on the row (predict --interval)" if facts["spread_by_row"] else ""
        rows.append(("usual error", ", ".join(errors) + by_row))
    return rows


def alpha_origin(facts: dict[str, Any]) -> str:
    """Where alpha comes from."""
    tried = facts["alphas_tried"]
    if not tried:
        return ", as given"
    if len(tried) == 1:
        return ""
    best = min(loss for _, loss in tried)
    near = sorted(
        alpha for alpha, loss in tried if loss - best <= (NEARLY_ALL - 1) * max(abs(best), 1e-300)
    )
    alphas = sorted(alpha for alpha, _ in tried)
    words = (
        f", the best of {len(tried)} tried on rows left out, from {alphas[0]:g} to {alphas[-1]:g}"
    )
    if len(near) > 1:
        words += f" ({near[0]:g} to {near[-1]:g} did nearly as well)"
    if facts["alpha"] in (alphas[0], alphas[-1]):
        words += f", at the {'low' if facts['alpha'] == alphas[0] else 'high'} end"
    return words


def calibration_lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What was done to probabilities."""
    rows = []
    if facts["label_smoothing"]:
        rows.append(
            (
                "smoothing",
                f"{facts['label_smoothing']:g} of each label went to all classes alike in training",
            )
        )
    heat = facts["temperature"]
    if heat is not None:
        which = "made surer" if heat < 1 else "made less sure"
        if abs(heat - 1) < FULL_PRECISION:
            which = "left nearly as they were"
        told = f"{heat:.2g}: probabilities were {which}, as rows left out of training asked for"
        rows.append(("temperature", told))
    return rows


def skip_layer_lines(facts: dict[str, Any], ranking: InputRanking | None) -> list[tuple[str, str]]:
    """How much the direct path does."""
    if not facts["skip"] or ranking is None:
        return []
    words = f"{percent_text(ranking.skip_share)} of all weight goes straight from inputs to outputs"
    if ranking.skip_share >= NEARLY_LINEAR_SHARE:
        words += ": the network is nearly a linear model"
    return [("skip layer", words)]


def ranking_lines(ranking: InputRanking | None, top: int, model: SavedModel) -> list[str]:
    """Return the inputs with the most weight, with bars; how concentrated the weight is; and the inputs of each output."""
    if ranking is None:
        return ["", "the weights of inputs are ranked only for models that `twolayer fit` saved"]
    if not top:
        return []
    first = ranking.order[:top].tolist()
    single = len(ranking.outputs) == 1
    names = [shortened_name(ranking.inputs[j]) for j in first]
    width, longest = max(map(len, names)), max(float(ranking.share[first[0]]), 1e-300)
    lines = ["", ranking_heading(ranking, len(first), model)]
    for j, name in zip(first, names, strict=True):
        sign = f"{ranking.sign(j)} " if single else ""
        bar = "#" * round(BAR_WIDTH * ranking.share[j] / longest)
        lines.append(f"  {name:{width}}  {percent_text(ranking.share[j]):>6}  {sign}{bar}".rstrip())
    return [*lines, *concentration_lines(ranking, first), *per_output_lines(ranking, model)]


def ranking_heading(ranking: InputRanking, shown: int, model: SavedModel) -> str:
    """Return the line above the bars."""
    line = f"the {shown} of {len(ranking.inputs):,} inputs with the largest share of all weight"
    if len(ranking.outputs) > 1:
        return line
    if not model.classifies:
        return f"{line}; a larger value raises (+) or lowers (-) the prediction"
    return f"{line}; a larger value is evidence for (+) or against (-) '{ranking.outputs[0]}'"


def concentration_lines(ranking: InputRanking, first: list[int]) -> list[str]:
    """Return how few inputs hold the weight, and what that does not mean."""
    share = float(ranking.share[first].sum())
    these = "this one has" if len(first) == 1 else f"these {len(first)} have"
    diffuse = ": as evenly as random weights, so no short list represents the model"
    lines = [
        "",
        f"half of all weight is in {ranking.half_count:,} of {len(ranking.inputs):,} inputs; {these} "
        f"{percent_text(share)}{diffuse if ranking.is_diffuse else ''}",
        "a large weight is not importance: correlated inputs share weight; `twolayer report` shows what predictions lose "
        "without an input, and how they change along it",
    ]
    if not ranking.agrees[first].all():
        lines.append(
            "~: the networks do not agree on the direction, or the parts of a network do not"
        )
    return lines


def per_output_lines(ranking: InputRanking, model: SavedModel) -> list[str]:
    """Return for each of several classes, labels or numbers the inputs that push it most."""
    if len(ranking.outputs) == 1:
        return []
    what, effect = "number", "raises (+) or lowers (-) it"
    if model.classifies:
        what = "label" if model.several_labels else "class"
        effect = "is evidence for (+) or against (-) it"
    lines = ["", f"the inputs with the most weight for each {what}; a larger value {effect}"]
    names = [shortened_name(name) for name in ranking.outputs[:MAX_RANKED_OUTPUTS]]
    width = max(map(len, names))
    for k, name in enumerate(names):
        strongest = ranking.strongest(k, INPUTS_PER_OUTPUT)
        signed = [f"{ranking.sign(j, k)} {shortened_name(ranking.inputs[j])}" for j in strongest]
        lines.append(f"  {name:{width}}  {', '.join(signed)}")
    more = len(ranking.outputs) - len(names)
    return lines + ([f"  and {more} more"] if more else [])


def ranking_as_json(ranking: InputRanking | None, top: int) -> dict[str, Any]:
    """Return the ranking for programs."""
    if ranking is None:
        return {"importances": [], "half_of_weight": None, "skip_share": None}
    return {
        "importances": [
            {
                "input": ranking.inputs[j],
                "share": ranking.share[j],
                "towards": dict(zip(ranking.outputs, ranking.products[j], strict=True)),
                "networks_agree": dict(zip(ranking.outputs, ranking.agreement[j], strict=True)),
            }
            for j in ranking.order[:top]
        ],
        "half_of_weight": ranking.half_count,
        "skip_share": ranking.skip_share,
    }


def shortened_name(name: str) -> str:
    """Return a name that is short enough for a line of a table."""
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…"


def percent_text(share: float) -> str:
    """Return the share in percent with two digits."""
    return f"{100 * share:.2g}%" if share < 0.995 else "100%"
