"""`twolayer inspect`: what is in a model file: network, columns, training, and which inputs carry most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from twolayer.cli import options
from twolayer.cli.saying import Voice, aligned

if TYPE_CHECKING:
    from twolayer.cli.models import Model

BAR = 24  # characters of the longest bar


def inspect(
    model: options.ModelPath,
    top: Annotated[int, typer.Option(help="How many inputs to name.")] = 10,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> dict[str, Any]:
    """Say what a model is: its network and size, its columns, how it was trained, and its most important inputs.

    Importance here is what the weights say: the share of the paths through the network that begins at an input, in units of
    its spread. Inputs that move together share it; what predictions lose without an input is another question.
    """
    from twolayer import checks
    from twolayer.cli.models import opened

    checks.whole(top, "--top", at_least=0)
    known = opened(model)
    voice = Voice(quiet, as_json)
    facts = facts_of(known)
    ranking = important(known)
    for line in [
        f"{model}",
        *aligned([*architecture(known, facts), *columns(known), *training(known, facts)], "  "),
        *ranking_lines(ranking, top, known),
    ]:
        voice.say(line)
    shares = [{"input": name, "share": share} for name, share, _ in (ranking or [])[:top]]
    results = {**facts, "importances": shares}
    voice.result(results)
    return results


def facts_of(model: Model) -> dict[str, Any]:
    """The numbers that are told."""
    import os

    import numpy as np

    estimator = model.estimator
    params = estimator.params_
    n_networks = estimator.n_networks_
    size = sum(w.size for _, w in params.items())
    kept = model.about.get("training")
    kept = kept if isinstance(kept, dict) else {}
    return {
        "model": str(model.path),
        "kind": type(estimator).__name__,
        "targets": model.targets,
        "n_inputs": estimator.n_features_in_,
        "n_hidden": int(estimator.w1_.shape[-1]),
        "n_outputs": int(estimator.w2_.shape[-1]),
        "n_networks": n_networks,
        "activation": str(getattr(estimator.activation, "name", estimator.activation)),
        "skip": params.w_skip is not None,
        "n_weights": size,
        "file_bytes": os.path.getsize(model.path),
        "alpha": float(estimator.alpha_),
        "solver": getattr(estimator, "solver_", estimator.solver),
        "steps": int(estimator.n_iter_),
        "loss": float(np.mean(estimator.loss_)),
        "stopped": estimator.stopped_,
        "idle_units": kept.get("idle_units"),
        "classes": getattr(estimator, "classes_", None),
        "noise_std": getattr(estimator, "noise_std_", None),
        "scores": model.about.get("scores"),
        "rows": model.about.get("rows"),
        "table": model.about.get("table"),
    }


def architecture(model: Model, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The network and its size."""
    from twolayer.tables import listed

    predicts = "a number"
    if model.classifies:
        names = [str(name) for name in facts["classes"]]
        predicts = f"one of {len(names)} classes: {listed(names)}"
    elif facts["n_outputs"] > 1:
        predicts = f"{facts['n_outputs']} numbers"
    target = f"'{', '.join(model.targets)}', " if model.targets else ""
    many = facts["n_networks"]
    each = facts["n_weights"] // many
    skip = ", and straight from inputs to outputs" if facts["skip"] else ""
    return [
        ("predicts", f"{target}{predicts}"),
        (
            "network",
            f"{facts['n_inputs']} inputs, {facts['n_hidden']} hidden units ({facts['activation']}), "
            f"{facts['n_outputs']} output{'s' * (facts['n_outputs'] != 1)}{skip}",
        ),
        ("networks", f"{many}, whose answers are averaged" if many > 1 else "1"),
        (
            "weights",
            f"{facts['n_weights']:,}{f' ({many} networks of {each:,})' if many > 1 else ''}; the file has "
            f"{sized(facts['file_bytes'])}",
        ),
    ]


def sized(count: float) -> str:
    """Bytes in words."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def columns(model: Model) -> list[tuple[str, str]]:
    """What the columns are."""
    from twolayer.tables import listed, reasons

    encoder = model.encoder
    if encoder is None:
        names = getattr(model.estimator, "feature_names_in_", None)
        return [
            (
                "columns",
                "numbers without names" if names is None else f"numbers: {listed(list(names))}",
            )
        ]
    rows = []
    if encoder.numbers:
        rows.append(("numbers", f"{len(encoder.numbers)}: {listed(encoder.numbers)}"))
    if encoder.booleans:
        rows.append(("yes or no", f"{len(encoder.booleans)}: {listed(list(encoder.booleans))}"))
    rows += [
        (f"'{name}'", f"one of {listed(levels)}")
        for name, levels in list(encoder.categories.items())[:10]
    ]
    if encoder.marked:
        rows.append(("with gaps", f"{len(encoder.marked)}: {listed(encoder.marked)}"))
    return rows + [("left out", line) for line in reasons(encoder)]


def training(model: Model, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """How it was trained, and how well that went."""
    from twolayer import comparing

    rows = []
    if isinstance(facts["rows"], dict):
        parts = facts["rows"]
        rows.append(
            (
                "trained on",
                f"{parts.get('train')} rows of {facts['table']}, {parts.get('test')} kept for the test",
            )
        )
    rows.append(
        (
            "training",
            f"alpha {facts['alpha']:g}, {facts['solver']}, {facts['steps']} steps, loss {facts['loss']:.4g} "
            f"({facts['stopped']})",
        )
    )
    idle = facts["idle_units"]
    if isinstance(idle, list):
        of = facts["n_networks"] * facts["n_hidden"]
        rows.append(("idle units", f"{sum(idle)} of {of} move no output on the rows of training"))
    scores = facts["scores"]
    if isinstance(scores, dict):
        for name, values in scores.items():
            told = ", ".join(
                f"{score} {comparing.rounded(score, value)}" for score, value in values.items()
            )
            rows.append((name, told))
    if facts["noise_std"] is not None:
        rows.append(("usual error", ", ".join(f"{value:.4g}" for value in facts["noise_std"])))
    return rows


def important(model: Model) -> list[tuple[str, float, float | None]] | None:
    """Name, share and (with a single output) direction of each input, the most important first; None if not known."""
    import numpy as np

    from twolayer.inspection import weights

    kept = model.about.get("training")
    values = kept.get("spreads") if isinstance(kept, dict) else None
    n_inputs = model.estimator.n_features_in_
    if not isinstance(values, list) or len(values) != n_inputs:
        return None
    spread = np.array(values, dtype=np.float64)
    networks = list(model.estimator._each_network())
    share = weights.by_weights(networks, spread)
    single = model.estimator.w2_.shape[-1] == 1
    products = weights.mean_over(weights.olden, model.estimator, spread)
    signs = products[:, 0] if single else None
    names = getattr(model.estimator, "feature_names_in_", [f"x{j + 1}" for j in range(n_inputs)])
    order = np.argsort(-share, kind="stable")
    return [
        (str(names[j]), float(share[j]), None if signs is None else float(signs[j])) for j in order
    ]


def ranking_lines(ranking: Any, top: int, model: Model) -> list[str]:
    """The most important inputs, with bars."""
    if not ranking or not top:
        return [] if ranking else ["", "importances are known of models that `twolayer fit` saved"]
    some = ranking[:top]
    width = max(len(name) for name, _, _ in some)
    longest = max(some[0][1], 1e-300)
    heading = f"the {len(some)} most important of {len(ranking)} inputs, by their weights"
    if some[0][2] is not None:
        side = f"'{model.estimator.classes_[1]}'" if model.classifies else "a higher value"
        heading += f"; more of it speaks for (+) or against (-) {side}"
    lines = ["", heading]
    for name, share, sign in some:
        mark = "" if sign is None else ("+ " if sign > 0 else "- ")
        lines.append(
            f"  {name:{width}}  {f'{100 * share:.2g}%':>6}  {mark}{'#' * round(BAR * share / longest)}"
        )
    return lines


def percent(share: float) -> str:
    """The share with two digits."""
    return f"{100 * share:.2g}%"
