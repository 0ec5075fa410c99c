"""How linear a model is: the share of the variance of its own outputs that the best linear model of the columns explains.

The linear model is fitted to the model's outputs, not to the targets, by least squares, and judged on each row with that row
left out (the residual divided by 1 − leverage), so that many columns do not make it look better than it is. With nearly as
many columns as rows any outputs are a linear function of the columns: there only the skip layer, which is linear, can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.text import join_words, plural

ROWS_PER_COLUMN = 2  # with fewer rows, how far a linear model fits says little
MAX_LINEAR_ROWS = 10_000
MAX_NAMED_TARGETS = 5
LEAST_REST = 1e-9  # 1 − leverage, or a share of the variance, that is rounding


@dataclass(frozen=True, eq=False)
class LinearShare:
    """The linear share of a model's outputs on some rows.

    Attributes
    ----------
    shares : ndarray, shape (n_targets,), or None
        From 0 to 1; not a number for a target whose outputs are all the same. Classes count as one target, by their logits
        together; each of several labels by its own logit. None if the rows are too few to tell.
    of_skip : bool
        Whether it is the share of the skip layer alone: then at least so much is linear.
    n_rows, n_columns : int
    """

    shares: np.ndarray | None
    of_skip: bool
    n_rows: int
    n_columns: int

    def sentences(self, targets: Sequence[str], classifies: bool) -> list[str]:
        """Return what there is to say of it, for targets of these names; nothing of outputs that are all the same."""
        rows = plural(self.n_rows, "row")
        size = f"with {plural(self.n_columns, 'column')} and {rows}"
        many = f"{size}, a linear model can follow nearly any outputs"
        if self.shares is None:
            return [f"How linear the network is cannot be told: {many}."]
        known = [
            (name, share)
            for name, share in zip(targets, self.shares, strict=False)
            if np.isfinite(share)
        ]
        if not known:
            return []
        who = "the nearest linear model explains"
        if self.of_skip:
            who = "its direct weights from inputs to outputs (the skip layer) explain"
        outputs = "logits" if classifies else "predictions"
        told = (
            f"{'At least ' * self.of_skip}{self._parts(known)} is a linear model of the columns"
            f"{', as it sees them' * self.of_skip}: {who} so much of the variance of its {outputs} on {rows}."
        )
        return [told, f"More cannot be told: {many}."] if self.of_skip else [told]

    def _parts(self, known: list[tuple[str, float]]) -> str:
        """Return how much of what the network says about which target."""
        said = "of what the network says"
        if len(known) <= MAX_NAMED_TARGETS:
            about = len(self.shares if self.shares is not None else ()) > 1
            return join_words(
                [
                    f"{self._percent(share)} {said}{f' about {name!r}' * about}"
                    for name, share in known
                ]
            )
        ends = [self._percent(pick(share for _, share in known)) for pick in (min, max)]
        return f"{' to '.join(ends)} {said} about each target"

    def _percent(self, share: float) -> str:
        """Return the share in percent; rounded down where it is the least that is linear."""
        return f"{int(100 * share)}%" if self.of_skip else f"{share:.0%}"


def linear_share(model: Any, x: np.ndarray) -> LinearShare:
    """Return the linear share of a fitted model's outputs on these rows, or on some of very many.

    Parameters
    ----------
    model : fitted estimator
    x : ndarray, shape (n_rows, n_inputs)

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> x = np.random.default_rng(0).standard_normal((100, 2))
    >>> settings = {"n_hidden": 10, "alpha": 0.1, "random_state": 0}
    >>> straight = tl.TwoLayerRegressor(**settings).fit(x, x[:, 0] - x[:, 1])
    >>> bent = tl.TwoLayerRegressor(**settings).fit(x, np.abs(x[:, 0]))
    >>> linear_share(straight, x).shares[0] > 0.95, linear_share(bent, x).shares[0] < 0.5
    (np.True_, np.True_)
    """
    x = x[:: -(-len(x) // MAX_LINEAR_ROWS)]
    varying = x[:, np.ptp(x, axis=0) > 0]
    outputs = model_outputs(model, x)
    shape = outputs.shape[0], varying.shape[1]
    if ROWS_PER_COLUMN * (shape[1] + 1) <= shape[0]:
        bases = [varying] * outputs.shape[1]
        return LinearShare(explained_share(model, outputs, bases), False, *shape)
    if model.params_.w_skip is None or shape[0] < 2 * ROWS_PER_COLUMN:
        return LinearShare(None, False, *shape)
    pairs = zip(model.network_inputs(x), model.networks_, strict=True)
    direct = centred_logits(model, np.mean([own @ one.w_skip for own, one in pairs], axis=0))
    return LinearShare(explained_share(model, outputs, list(direct.T[:, :, None])), True, *shape)


def model_outputs(model: Any, x: np.ndarray) -> np.ndarray:
    """Return what the model says before any link, shape (n_rows, n_outputs)."""
    if not hasattr(model, "classes_"):
        return model.network_outputs(x).mean(axis=0)
    return centred_logits(model, model.decision_function(x).reshape(len(x), -1))


def is_one_of_classes(model: Any, n_outputs: int) -> bool:
    """Return whether each output is the logit of one of several classes."""
    return hasattr(model, "classes_") and not model.several_labels_ and n_outputs > 1


def centred_logits(model: Any, outputs: np.ndarray) -> np.ndarray:
    """Return logits of classes without their mean, a common shift of which says nothing; other outputs as they are."""
    if not is_one_of_classes(model, outputs.shape[1]):
        return outputs
    return outputs - outputs.mean(axis=1, keepdims=True)


def explained_share(model: Any, outputs: np.ndarray, bases: Sequence[np.ndarray]) -> np.ndarray:
    """Return for each target the share of its outputs' variance that the columns of its basis explain, (n_targets,)."""
    n_rows = len(outputs)
    rest, whole = np.empty(outputs.shape[1]), np.empty(outputs.shape[1])
    for k, basis in enumerate(bases):
        off = outputs[:, k] - outputs[:, k].mean()
        rest[k] = np.square(left_out_residuals(basis, off)).sum()
        whole[k] = np.square(off * n_rows / (n_rows - 1)).sum()
    size = np.square(outputs).sum(axis=0)
    if is_one_of_classes(model, outputs.shape[1]):
        rest, whole, size = (one.sum(keepdims=True) for one in (rest, whole, size))
    varies = whole > LEAST_REST**2 * size
    return np.where(varies, np.maximum(1 - rest / np.where(varies, whole, 1), 0), np.nan)


def left_out_residuals(basis: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Return residuals of the best linear function of some columns, of each row when it is left out, (n_rows,)."""
    z = basis - basis.mean(axis=0)
    spread = z.std(axis=0)
    u, size, _ = np.linalg.svd(z / np.where(spread > 0, spread, 1), full_matrices=False)
    u = u[:, size > LEAST_REST * size.max(initial=1e-300)]
    free = 1 - np.square(u).sum(axis=1) - 1 / len(off)
    residuals = off - u @ (u.T @ off)
    # a row that alone holds a column is met whatever it is, and tells nothing
    return np.where(free > LEAST_REST, residuals / np.maximum(free, LEAST_REST), 0.0)
