"""What the weights of a model say of its inputs, for `inspect`: which are strongest, which way they point, how few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from twolayer.cli.models import Model

BAR = 24  # characters of the longest bar
EACH = 5  # inputs named for each class
MOST_OUTPUTS = 14  # that have a line each
AGREED = 0.8  # share of the networks that must point the same way
NEARLY_LINEAR = 0.9
LONGEST_NAME = 40


@dataclass(frozen=True, eq=False)
class Ranking:
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
        if self.agree[j, k] < AGREED:
            return "~"
        return "+" if self.products[j, k] > 0 else "-" if self.products[j, k] < 0 else "~"


def ranking_of(model: Model) -> Ranking | None:
    """The ranking; None if the spread of the inputs is not known, without which weights cannot be compared."""
    import numpy as np

    from twolayer.cli.scoring import named
    from twolayer.inspection import weights

    kept = model.about.get("training")
    values = kept.get("spreads") if isinstance(kept, dict) else None
    n_inputs = model.estimator.n_features_in_
    if not isinstance(values, list) or len(values) != n_inputs:
        return None
    spread = np.array(values, dtype=np.float64)
    networks = list(model.estimator._each_network())
    share = weights.by_weights(networks, spread)
    products, agree = weights.tendencies(model.estimator, spread)
    return Ranking(
        named(model, n_inputs)[0],
        outputs_of(model),
        share,
        np.argsort(-share, kind="stable"),
        products,
        agree,
        weights.direct_share(networks, spread),
    )


def outputs_of(model: Model) -> list[str]:
    """The name of each output."""
    count = int(model.estimator.w2_.shape[-1])
    if model.classifies and not model.several_labels:
        classes = [str(one) for one in model.estimator.classes_]
        return classes[1:] if count == 1 else classes
    return model.targets if len(model.targets) == count else [f"y{k + 1}" for k in range(count)]


def ranking_lines(ranking: Ranking | None, top: int, model: Model) -> list[str]:
    """The strongest inputs with bars, how few they are, and for several outputs the strongest of each."""
    if ranking is None:
        return [
            "",
            "which inputs are strong is known of models that `twolayer fit` saved",
        ]
    if not top:
        return []
    some = ranking.order[:top]
    shown = [shortened(ranking.names[j]) for j in some]
    width, longest = max(map(len, shown)), max(float(ranking.share[some[0]]), 1e-300)
    lines = ["", heading(ranking, len(some), model)]
    for j, name in zip(some, shown, strict=True):
        bar = "#" * round(BAR * ranking.share[j] / longest)
        lines.append(
            f"  {name:{width}}  {percent(ranking.share[j]):>6}  {direction(ranking, int(j), model)}{bar}".rstrip()
        )
    return [*lines, *spread_lines(ranking, len(some)), *each_output(ranking, model)]


def heading(ranking: Ranking, shown: int, model: Model) -> str:
    """What the lines are."""
    count = len(ranking.names)
    line = f"the {shown} strongest of {count:,} inputs, by their share of all weight"
    if len(ranking.outputs) > 1:
        return line
    if not model.classifies:
        return f"{line}; more of it raises (+) or lowers (-) the prediction"
    return f"{line}; more of it speaks for (+) or against (-) '{ranking.outputs[0]}'"


def direction(ranking: Ranking, j: int, model: Model) -> str:
    """The sign of an input with a single output."""
    return f"{ranking.sign(j)} " if len(ranking.outputs) == 1 else ""


def spread_lines(ranking: Ranking, shown: int) -> list[str]:
    """How few inputs hold the weight, and what that does not mean."""
    from twolayer.inspection.weights import as_by_chance, fewest

    count, half = len(ranking.names), fewest(ranking.share)
    first = float(ranking.share[ranking.order[:shown]].sum())
    these = "this one has" if shown == 1 else f"these {shown} have"
    thin = as_by_chance(ranking.share)
    end = ": spread as if by chance, so no short list stands for the model" if thin else ""
    lines = [
        "",
        f"half of all weight is in {half:,} of {count:,} inputs; {these} {percent(first)}{end}",
        "strong is not important: inputs that move together share weight; what predictions lose without them, and where an "
        "effect turns round, `twolayer report` tells",
    ]
    if (ranking.agree[ranking.order[:shown]] < AGREED).any():
        lines.append("~: the networks do not agree which way it points")
    return lines


def each_output(ranking: Ranking, model: Model) -> list[str]:
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
    names = [shortened(name) for name in ranking.outputs[:MOST_OUTPUTS]]
    width = max(map(len, names))
    for k, name in enumerate(names):
        order = np.argsort(-np.abs(ranking.products[:, k]), kind="stable")[:EACH]
        told = (f"{ranking.sign(int(j), k)} {shortened(ranking.names[j])}" for j in order)
        lines.append(f"  {name:{width}}  {', '.join(told)}")
    more = len(ranking.outputs) - len(names)
    return lines + ([f"  and {more} more"] if more else [])


def listed_ranking(ranking: Ranking | None, top: int) -> dict[str, Any]:
    """For programs."""
    from twolayer.inspection.weights import fewest

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
        "half_of_weight": fewest(ranking.share),
        "skip_share": ranking.direct,
    }


def shortened(name: str) -> str:
    """A name short enough for a line of a table."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def percent(share: float) -> str:
    """The share with two digits."""
    return f"{100 * share:.2g}%" if share < 0.995 else "100%"
