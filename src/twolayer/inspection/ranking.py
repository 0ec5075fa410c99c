"""Inputs ranked by their weights: which have most weight, the sign of their effect, and how concentrated weight is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.inspection import weights

AGREEMENT_SHARE = 0.8  # of the networks that must have the same sign


@dataclass(frozen=True, eq=False)
class InputRanking:
    """Inputs ranked by their weights.

    Attributes
    ----------
    inputs, outputs : list of str
        The outputs are numbers, labels or classes; of two classes only the second.
    share : ndarray, shape (n_inputs,)
        Each input's share of the weight of all paths through the networks.
    order : ndarray of int, shape (n_inputs,)
        The input with the largest share first.
    products, agreement : ndarray, shape (n_inputs, n_outputs)
        Olden's product of each input and output, and the share of the networks that have the same sign.
    skip_share : float
        The share of the weight that is in the skip layer.
    """

    inputs: list[str]
    outputs: list[str]
    share: np.ndarray
    order: np.ndarray
    products: np.ndarray
    agreement: np.ndarray
    skip_share: float

    @property
    def half_count(self) -> int:
        """The smallest number of inputs that hold half of all weight."""
        return weights.fewest_inputs(self.share)

    @property
    def is_diffuse(self) -> bool:
        """Whether many inputs share the weight as evenly as random weights would."""
        return weights.is_diffuse(self.share)

    @property
    def agrees(self) -> np.ndarray:
        """Where enough of the networks have the same sign, shape (n_inputs, n_outputs)."""
        return self.agreement >= AGREEMENT_SHARE

    def sign(self, j: int, k: int = 0) -> str:
        """Return `+` or `-` for input j and output k, or `~` where the networks do not agree."""
        if not self.agrees[j, k]:
            return "~"
        return "+" if self.products[j, k] > 0 else "-" if self.products[j, k] < 0 else "~"

    def strongest(self, k: int, count: int) -> list[int]:
        """Return the inputs with the largest products for output k, whatever their sign."""
        return np.argsort(-np.abs(self.products[:, k]), kind="stable")[:count].tolist()


def rank_inputs(
    model: Any,
    spreads: Any,
    inputs: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
) -> InputRanking:
    """Return the inputs of a fitted model ranked by their weights.

    Parameters
    ----------
    model : fitted estimator of twolayer
    spreads : array-like, shape (n_inputs,) or (n_networks, n_inputs)
        The standard deviation of each input: without it weights of different inputs cannot be compared. Where some networks
        see clipped columns, that of each network: `twolayer.inspection.weights.network_spreads(model, X)`.
    inputs : n_inputs names, or None
        None for the names that the model saw in `fit`, else x1, x2, ...
    targets : names of numbers or labels, or None
        None for y1, y2, ...; classes have their own names.

    Returns
    -------
    ranking : InputRanking

    Raises
    ------
    InputError
        If `spreads` or `inputs` have another length than the model has inputs, or are not those of each network.

    Examples
    --------
    >>> import numpy as np, twolayer as tl
    >>> from twolayer.inspection.ranking import rank_inputs
    >>> x = np.random.default_rng(0).standard_normal((60, 3))
    >>> model = tl.TwoLayerRegressor(5, alpha=1, n_networks=1, random_state=0).fit(x, -2 * x[:, 1])
    >>> ranking = rank_inputs(model, x.std(axis=0), inputs=["age", "dose", "weight"])
    >>> best = ranking.order[0]
    >>> ranking.inputs[best], ranking.sign(best)
    ('dose', '-')
    """
    spread = np.asarray(spreads, dtype=np.float64)
    n_inputs = model.n_features_in_
    if inputs is None:
        inputs = getattr(model, "feature_names_in_", [f"x{j + 1}" for j in range(n_inputs)])
    for count, name in ((spread.shape[-1], "spreads"), (len(inputs), "inputs")):
        if count != n_inputs:
            raise InputError(f"the model has {n_inputs:,} inputs, and {name} has {count:,}")
    if model.input_clip_ is not None and spread.shape[:-1] != (model.n_networks_,):
        raise InputError(
            "some networks of the model see clipped columns, which have other spreads: give those of each network, "
            "twolayer.inspection.weights.network_spreads(model, X)"
        )
    share = weights.weight_shares(model.networks_, spread)
    products, agreement = weights.signed_effects(model, spread)
    return InputRanking(
        [str(name) for name in inputs],
        output_names(model, targets),
        share,
        np.argsort(-share, kind="stable"),
        products,
        agreement,
        weights.skip_share(model.networks_, spread),
    )


def output_names(model: Any, targets: Sequence[str] | None = None) -> list[str]:
    """Return the name of each output: of classes their own, of two the second; of numbers and labels their targets'."""
    count = int(model.w2_.shape[-1])
    if hasattr(model, "classes_") and not model.several_labels_:
        classes = [str(name) for name in model.classes_]
        return classes[1:] if count == 1 else classes
    if targets is not None and len(targets) == count:
        return list(targets)
    return [f"y{k + 1}" for k in range(count)]
