"""Importances of inputs: what predictions lose without an input, and how the prediction changes along one input.

**Permutation**: the values of an input are shuffled among the rows, and the importance is how much worse the predictions
get. Strongly correlated inputs can replace each other, so that each alone would look useless: they are grouped, and a
group is shuffled together. With one hidden layer nothing has to be predicted anew: the shuffled columns change `h` by
`(x_shuffled - x)[:, group] @ w1[group]`, so that thousands of columns take seconds.

    Breiman, *Random forests*, Machine Learning 45 (2001) 5-32, section 10, for one input at a time;
    Fisher, Rudin & Dominici, *All models are wrong, but many are useful*, JMLR 20 (2019), for any model and any group.

**Lek's profiles** show the prediction against one input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.ensemble import class_probabilities, mean_logits
from twolayer.inspection.weights import network_spreads, weight_shares
from twolayer.maths.network import Params

CORRELATED = 0.8  # |correlation| from which two inputs belong to one group
TOP_GROUPS = 5
MAX_COLUMNS = 20_000  # of more columns only those with the largest weights are grouped and shuffled
MAX_STRONGEST = 2_000
CORRELATION_BLOCK = 256  # columns whose correlations with all others are held at once
MAX_HELD_NUMBERS = 4_000_000  # hidden units × networks × rows × orders held at once
LEAST_PROBABILITY = 1e-15  # a logarithm of less is taken as its logarithm


@dataclass(frozen=True, eq=False)
class Importances:
    """What predictions lose without each group of inputs.

    Attributes
    ----------
    groups : list of ndarray of int
        The columns of each group; the first column represents it.
    mean, low, high : ndarray, shape (n_groups,)
        The mean loss over shuffles, and the range of 95% of the resamples of the rows.
    top_share : ndarray, shape (n_groups,)
        The share of resamples in which the group is among the `top` most important.
    top : int
    unit : str
        The score that gets worse: "R²" (it falls) or "log loss" (it rises).
    repeats, resamples : int
    n_inputs : int
        Columns of the table; more than the groups hold if only those with the largest weights were shuffled.
    """

    groups: list[np.ndarray]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    top_share: np.ndarray
    top: int
    unit: str
    repeats: int
    resamples: int
    n_inputs: int


def correlated_groups(
    x: Any,
    sources: Sequence[Any] | None = None,
    threshold: float = CORRELATED,
    order: Any = None,
    n_markers: int = 0,
) -> list[np.ndarray]:
    """Return groups of strongly correlated columns.

    The first column in `order` leads a group of all columns whose |correlation| with it is `threshold` or more; the first
    remaining column leads the next group. Each member is close to its leader, so that groups cannot drift as chains do.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_inputs)
    sources : n_inputs names, or None
        Columns of one source, such as the indicators of one categorical column, always form one group.
    threshold : float
        Above 0; above 1 nothing is grouped.
    order : array-like of int, or None
        The columns to group, leaders first; None for all columns from left to right.
    n_markers : int
        So many of the last columns say where values of their source were missing: that two of them are alike says nothing of
        the values, and they join no other source.

    Returns
    -------
    groups : list of ndarray of int

    Examples
    --------
    >>> import numpy as np
    >>> from twolayer.inspection.importances import correlated_groups
    >>> a, b = np.random.default_rng(0).standard_normal((2, 50))
    >>> [group.tolist() for group in correlated_groups(np.stack([a, b, -2 * a], axis=1))]
    [[0, 2], [1]]
    """
    order = np.arange(x.shape[1]) if order is None else np.asarray(order)
    columns = np.asarray(x[:, order], dtype=np.float32)
    z = columns - columns.mean(axis=0)
    length = np.linalg.norm(z, axis=0)
    z /= np.where(length > 0, length, 1)
    z[:, order >= x.shape[1] - n_markers] = 0
    leader = np.full(len(order), -1)
    for first in range(0, len(order), CORRELATION_BLOCK):
        block = slice(first, min(first + CORRELATION_BLOCK, len(order)))
        if (leader[block] >= 0).all():
            continue
        close = np.abs(z[:, block].T @ z) >= np.float32(threshold - 1e-6)
        for k in range(block.start, block.stop):
            if leader[k] < 0:
                leader[(leader < 0) & close[k - first]] = k
                leader[k] = k
    if sources is not None:
        _join_sources(leader, [sources[j] for j in order])
    return [order[leader == k] for k in np.unique(leader)]


def _join_sources(leader: np.ndarray, sources: list[Any]) -> None:
    """Join groups that share a source, in place; the earlier leader leads."""
    first_places: dict[Any, int] = {}
    for k, source in enumerate(sources):
        other = leader[first_places.setdefault(source, k)]
        if other != leader[k]:
            low, high = sorted((int(other), int(leader[k])))
            leader[leader == high] = low


def permutation_importances(
    model: Any,
    x: np.ndarray,
    y: Any,
    *,
    sample_weight: Any = None,
    groups: Sequence[Any] | None = None,
    sources: Sequence[Any] | None = None,
    repeats: int = 10,
    resamples: int = 500,
    top: int | None = None,
    random_state: Any = 0,
    progress: Callable[[int, int], Any] | None = None,
) -> Importances:
    """Return how much worse a fitted model predicts when the values of inputs are shuffled among the rows.

    All groups are shuffled in the same orders, which compares them fairly. The range, and how often a group is among the
    top, come from rows drawn again with replacement: they show what other rows would have given for this same model, not
    for another training.

    Parameters
    ----------
    model : fitted estimator of twolayer
    x : ndarray, shape (n_rows, n_inputs)
        Rows, preferably not those of training.
    y : array-like, shape (n_rows,) or (n_rows, n_outputs)
    sample_weight : array-like, shape (n_rows,), or None
    groups : list of arrays of columns, or None
        None for `correlated_groups` of these rows.
    sources : n_inputs names, or None
        As in `correlated_groups`.
    repeats : int
        Number of shuffles.
    resamples : int
    top : int or None
        How many places count as the top; None for 5, or a third of the groups if that is fewer.
    random_state : int or Generator
    progress : callable or None
        Called with the number of finished groups, and of all.

    Returns
    -------
    importances : Importances

    Raises
    ------
    InputError
        If `model` is not a fitted estimator, there are fewer than two rows, or all targets are equal.

    Examples
    --------
    >>> import numpy as np, twolayer as tl
    >>> from twolayer.inspection.importances import permutation_importances
    >>> x = np.random.default_rng(0).standard_normal((80, 3))
    >>> model = tl.TwoLayerRegressor(5, alpha=1, n_networks=1, random_state=0).fit(x, x[:, 1])
    >>> importances = permutation_importances(model, x, x[:, 1])
    >>> best = importances.mean.argmax()
    >>> importances.groups[best].tolist(), float(importances.top_share[best])
    ([1], 1.0)
    """
    checks.whole_number(repeats, "repeats")
    checks.whole_number(resamples, "resamples")
    _check_shufflable(model, x)
    x = np.asarray(x, dtype=float)
    if len(x) < 2:
        raise InputError(
            f"values are shuffled among rows, and x has {len(x)}: give two rows or more"
        )
    s = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    rng = np.random.default_rng(random_state)
    row_loss, unit = _row_loss(model, y, s)
    groups = input_groups(model, x, sources) if groups is None else list(map(np.asarray, groups))
    if top is None:
        top = min(TOP_GROUPS, max(1, len(groups) // 3))
    checks.whole_number(top, "top")
    predictions = ShuffledPredictions(model, x, row_orders(len(x), repeats, rng))
    base = row_loss(predictions.unshuffled())
    lost = np.empty((len(groups), len(x)))
    for k, group in enumerate(groups):
        losses = [row_loss(shuffled) for shuffled in predictions.shuffled(group)]
        lost[k] = np.concatenate(losses).mean(axis=0) - base
        if progress is not None:
            progress(k + 1, len(groups))
    counts = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=resamples) * s
    counts = counts[counts.sum(axis=1) > 0]
    resampled = counts @ lost.T / counts.sum(axis=1, keepdims=True)  # (resamples, n_groups)
    best = np.argsort(-resampled, axis=1, kind="stable")[:, :top]
    top_share = np.bincount(best.ravel(), minlength=len(groups)) / len(resampled)
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
    return Importances(
        groups, lost @ s / s.sum(), low, high, top_share, top, unit, repeats, len(resampled), x.shape[1]
    )  # fmt: skip


def input_groups(
    model: Any, x: np.ndarray, sources: Sequence[Any] | None = None, n_markers: int = 0
) -> list[np.ndarray]:
    """Return the groups of correlated columns, led by those with the largest weights.

    Of more than MAX_COLUMNS columns only those with the largest weights are grouped.
    """
    shares = weight_shares(model.networks_, network_spreads(model, x))
    order = np.argsort(-shares, kind="stable")
    order = order if len(order) <= MAX_COLUMNS else order[:MAX_STRONGEST]
    return correlated_groups(x, sources, order=order, n_markers=n_markers)


def row_orders(n_rows: int, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Return random orders of the rows, shape (repeats, n_rows)."""
    return np.stack([rng.permutation(n_rows) for _ in range(repeats)])


def _check_shufflable(model: Any, x: Any) -> None:
    if not hasattr(model, "w1_"):
        raise InputError(
            "importances need a fitted TwoLayerRegressor or TwoLayerClassifier; got "
            f"{type(model).__name__}"
        )
    if checks.is_sparse(x):
        raise InputError("columns of a sparse table cannot be shuffled: give x as a dense array")


class ShuffledPredictions:
    """The predictions of a model for a table some of whose columns are shuffled.

    Parameters
    ----------
    model : fitted estimator
    x : ndarray, shape (n_rows, n_inputs)
    orders : ndarray of int, shape (n_orders, n_rows)
    """

    def __init__(self, model: Any, x: np.ndarray, orders: np.ndarray) -> None:
        self.model, self.orders = model, orders
        # (n_networks, n_rows, n_inputs) if some networks see clipped columns, else one table for all
        inputs = model.without_feature_names().network_inputs(x)
        self.x = x[None] if model.input_clip_ is None else np.stack(inputs)
        self.params = params = Params.stack(model.networks_)
        b1, b2 = params.b1, params.b2
        assert b1 is not None  # estimators have biases
        assert b2 is not None
        # (n_networks, 1, n_rows, n_hidden) and n_outputs: the axis of 1 is that of the orders
        self.b2 = b2[:, None, None]
        self.h = (self.x @ params.w1 + b1[:, None])[:, None]
        self.skip = np.zeros(()) if params.w_skip is None else (self.x @ params.w_skip)[:, None]
        self.orders_per_block = max(1, MAX_HELD_NUMBERS // self.h.size)

    def unshuffled(self) -> np.ndarray:
        """Return the predictions, or the probabilities of classes, shape (n_rows, n_predictions)."""
        return self._predictions(self.h, self.skip)[0]

    def shuffled(self, columns: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the predictions with these columns in each order, some orders at a time: (n_some, n_rows, n_predictions)."""
        params, original = self.params, self.x[:, :, columns]
        for first in range(0, len(self.orders), self.orders_per_block):
            order = self.orders[first : first + self.orders_per_block]
            # (n_networks or 1, n_some, n_rows, n_columns)
            change = original[:, order] - original[:, None]
            skip = self.skip
            if params.w_skip is not None:
                skip = skip + change @ params.w_skip[:, None, columns]
            yield self._predictions(self.h + change @ params.w1[:, None, columns], skip)

    def _predictions(self, h: np.ndarray, skip: np.ndarray) -> np.ndarray:
        """Return the mean prediction of all networks, as the estimator gives it."""
        model, params = self.model, self.params
        h_relu = model.activation_.value(h)
        outputs = h_relu @ params.w2[:, None] + self.b2 + skip
        if not hasattr(model, "classes_"):
            loss = model.loss_function_
            return np.mean([loss.mean(output) for output in outputs], axis=0)
        several = model.several_labels_
        logits = outputs[0] if len(outputs) == 1 else mean_logits(outputs, several)
        return class_probabilities(logits / getattr(model, "temperature_", 1.0), several)


def _row_loss(model: Any, y: Any, s: np.ndarray) -> tuple[Callable[[np.ndarray], Any], str]:
    """Return a loss per row whose mean over rows is the log loss or 1 − R², and the name of that score."""
    y = np.asarray(y)
    if getattr(model, "several_labels_", False):
        positive = y == 1

        def label_loss(p: np.ndarray) -> Any:
            return -np.log(np.maximum(np.where(positive, p, 1 - p), LEAST_PROBABILITY)).mean(
                axis=-1
            )

        return label_loss, "log loss"
    if hasattr(model, "classes_"):
        places = np.searchsorted(model.classes_, y)
        rows = np.arange(len(y))
        return lambda p: -np.log(np.maximum(p[..., rows, places], LEAST_PROBABILITY)), "log loss"
    y = y.astype(float).reshape(len(y), -1)
    variance = np.average(np.square(y - np.average(y, axis=0, weights=s)), axis=0, weights=s)
    if not (variance > 0).all():
        raise InputError(
            "the target is the same in all rows: shuffling cannot make predictions worse"
        )
    return lambda y_pred: np.mean(np.square(y - y_pred) / variance, axis=-1), "R²"


def lek_values(
    predict: Callable[[np.ndarray], Any],
    x: np.ndarray,
    column: int,
    levels: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
    points: int = 60,
) -> tuple[np.ndarray, np.ndarray]:
    """Return Lek's profile: the prediction while one input goes from its lowest to its highest value.

    Parameters
    ----------
    predict : callable
        From rows, (n, n_inputs), to predictions, (n,) or (n, n_predictions): such as `model.predict`.
    x : ndarray, shape (n_rows, n_inputs)
    column : int
    levels : floats between 0 and 1
        The other inputs are held at these quantiles of theirs, one level after another.
    points : int

    Returns
    -------
    values : ndarray, shape (points,)
    predictions : ndarray, shape (n_levels, points) or (n_levels, points, n_predictions)

    Source: Lek, Delacoste, Baran, Dimopoulos, Lauga & Aulagnier, *Application of neural networks to modelling nonlinear
    relationships in ecology*, Ecological Modelling 90 (1996) 39-52.

    Examples
    --------
    >>> import numpy as np
    >>> from twolayer.inspection.importances import lek_values
    >>> x = np.array([[0.0, 1.0], [2.0, 3.0]])
    >>> values, predictions = lek_values(lambda rows: rows[:, 0] + 10 * rows[:, 1], x, 0, [0, 1], 3)
    >>> values.tolist(), predictions.tolist()
    ([0.0, 1.0, 2.0], [[10.0, 11.0, 12.0], [30.0, 31.0, 32.0]])
    """
    x = np.asarray(x, dtype=float)
    if not 0 <= column < x.shape[1]:
        raise InputError(f"column must be from 0 to {x.shape[1] - 1}; got {column}")
    values = np.linspace(x[:, column].min(), x[:, column].max(), points)
    predictions = []
    for others in np.quantile(x, levels, axis=0):
        rows = np.tile(others, (points, 1))
        rows[:, column] = values
        predictions.append(np.asarray(predict(rows)))
    return values, np.stack(predictions)
