"""What the weights of a model say of its inputs, for `inspect`: which are strongest, which way they point, how few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from twolayer.cli.saved_model import SavedModel

BAR_WIDTH = 24  # characters of the longest bar
PER_OUTPUT = 5  # inputs named for each class
MAX_RANKED_OUTPUTS = 14  # that have a line each
AGREEMENT_SHARE = 0.8  # share of the networks that must point the same way
NEARLY_LINEAR_SHARE = 0.9
MAX_NAME_LENGTH = 40


@dataclass(frozen=True, eq=False)
class InputRanking:
    """The inputs by their weights.

    Attributes
    ----------
    names : list of str
    outputs : list of str
        What each output of the network speaks for: a class, a label, a number.
    share : ndarray, shape (n_inputs,)
        Of the weight of all paths through the network.
    order : ndarray of int, shape (n_inputs,)
        The strongest first.
    products, agree : ndarray, shape (n_inputs, n_outputs)
        Which way each input pushes each output, and the share of the networks that agree.
    direct : float
        The share of weight that goes straight from inputs to outputs.
    """

    names: list[str]
    outputs: list[str]
    share: np.ndarray
    order: np.ndarray
    products: np.ndarray
    agree: np.ndarray
    direct: float

    def sign(self, j: int, k: int = 0) -> str:
        """`+` or `-`, and `~` where the networks do not agree."""
        if self.agree[j, k] < AGREEMENT_SHARE:
            return "~"
        return "+" if self.products[j, k] > 0 else "-" if self.products[j, k] < 0 else "~"


def rank_inputs(model: SavedModel) -> InputRanking | None:
    """The ranking; None if the spread of the inputs is not known, without which weights cannot be compared."""
    import numpy as np

    from twolayer.cli.labelled_rows import input_names
    from twolayer.inspection import weights

    kept = model.about.get("training")
    values = kept.get("spreads") if isinstance(kept, dict) else None
    n_inputs = model.estimator.n_features_in_
    if not isinstance(values, list) or len(values) != n_inputs:
        return None
    spread = np.array(values, dtype=np.float64)
    networks = list(model.estimator._each_network())
    share = weights.weight_shares(networks, spread)
    products, agree = weights.signed_effects(model.estimator, spread)
    return InputRanking(
        input_names(model, n_inputs)[0],
        output_names(model),
        share,
        np.argsort(-share, kind="stable"),
        products,
        agree,
        weights.skip_share(networks, spread),
    )


def output_names(model: SavedModel) -> list[str]:
    """The name of each output."""
    count = int(model.estimator.w2_.shape[-1])
    if model.classifies and not model.several_labels:
        classes = [str(one) for one in model.estimator.classes_]
        return classes[1:] if count == 1 else classes
    return model.targets if len(model.targets) == count else [f"y{k + 1}" for k in range(count)]


def ranking_lines(ranking: InputRanking | None, top: int, model: SavedModel) -> list[str]:
    """The strongest inputs with bars, how few they are, and for several outputs the strongest of each."""
    if ranking is None:
        return [
            "",
            "which inputs are strong is known of models that `twolayer fit` saved",
        ]
    if not top:
        return []
    some = ranking.order[:top]
    shown = [shortened_name(ranking.names[j]) for j in some]
    width, longest = max(map(len, shown)), max(float(ranking.share[some[0]]), 1e-300)
    lines = ["", ranking_heading(ranking, len(some), model)]
    for j, name in zip(some, shown, strict=True):
        bar = "#" * round(BAR_WIDTH * ranking.share[j] / longest)
        lines.append(
            f"  {name:{width}}  {percent_text(ranking.share[j]):>6}  {direction_sign(ranking, int(j), model)}{bar}".rstrip()
        )
    return [*lines, *spread_lines(ranking, len(some)), *per_output_lines(ranking, model)]


def ranking_heading(ranking: InputRanking, shown: int, model: SavedModel) -> str:
    """What the lines are."""
    count = len(ranking.names)
    line = f"the {shown} strongest of {count:,} inputs, by their share of all weight"
    if len(ranking.outputs) > 1:
        return line
    if not model.classifies:
        return f"{line}; more of it raises (+) or lowers (-) the prediction"
    return f"{line}; more of it speaks for (+) or against (-) '{ranking.outputs[0]}'"


def direction_sign(ranking: InputRanking, j: int, model: SavedModel) -> str:
    """The sign of an input with a single output."""
    return f"{ranking.sign(j)} " if len(ranking.outputs) == 1 else ""


def spread_lines(ranking: InputRanking, shown: int) -> list[str]:
    """How few inputs hold the weight, and what that does not mean."""
    from twolayer.inspection.weights import fewest_inputs, looks_like_chance

    count, half = len(ranking.names), fewest_inputs(ranking.share)
    first = float(ranking.share[ranking.order[:shown]].sum())
    these = "this one has" if shown == 1 else f"these {shown} have"
    thin = looks_like_chance(ranking.share)
    end = ": spread as if by chance, so no short list stands for the model" if thin else ""
    lines = [
        "",
        f"half of all weight is in {half:,} of {count:,} inputs; {these} {percent_text(first)}{end}",
        "strong is not important: inputs that move together share weight; what predictions lose without them, and where an "
        "effect turns round, `twolayer report` tells",
    ]
    if (ranking.agree[ranking.order[:shown]] < AGREEMENT_SHARE).any():
        lines.append("~: the networks do not agree which way it points")
    return lines


def per_output_lines(ranking: InputRanking, model: SavedModel) -> list[str]:
    """For each class, label or number the inputs that push it most, either way."""
    import numpy as np

    if len(ranking.outputs) == 1:
        return []
    what, does = "number", "raises (+) or lowers (-) it"
    if model.classifies:
        what, does = (
            "label" if model.several_labels else "class",
            "speaks for (+) or against (-) it",
        )
    lines = ["", f"the strongest for each {what}; more of it {does}"]
    names = [shortened_name(name) for name in ranking.outputs[:MAX_RANKED_OUTPUTS]]
    width = max(map(len, names))
    for k, name in enumerate(names):
        order = np.argsort(-np.abs(ranking.products[:, k]), kind="stable")[:PER_OUTPUT]
        told = (f"{ranking.sign(int(j), k)} {shortened_name(ranking.names[j])}" for j in order)
        lines.append(f"  {name:{width}}  {', '.join(told)}")
    more = len(ranking.outputs) - len(names)
    return lines + ([f"  and {more} more"] if more else [])


def ranking_as_json(ranking: InputRanking | None, top: int) -> dict[str, Any]:
    """For programs."""
    from twolayer.inspection.weights import fewest_inputs

    if ranking is None:
        return {"importances": [], "half_of_weight": None, "skip_share": None}
    return {
        "importances": [
            {
                "input": ranking.names[j],
                "share": ranking.share[j],
                "towards": dict(zip(ranking.outputs, ranking.products[j], strict=True)),
                "networks_agree": dict(zip(ranking.outputs, ranking.agree[j], strict=True)),
            }
            for j in ranking.order[:top]
        ],
        "half_of_weight": fewest_inputs(ranking.share),
        "skip_share": ranking.direct,
    }


def shortened_name(name: str) -> str:
    """A name short enough for a line of a table."""
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…"


def percent_text(share: float) -> str:
    """The share with two digits."""
    return f"{100 * share:.2g}%" if share < 0.995 else "100%"
