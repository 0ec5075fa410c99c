"""Which inputs matter: what predictions lose without them, and how the answer moves with each.

**Permutation**: the values of an input are shuffled among the rows, and its importance is how much worse the predictions
get. Inputs that say nearly the same stand in for each other, and each alone would look useless: so they are grouped, and
a group is shuffled as one. With one hidden layer nothing need be predicted anew: the shuffled columns move `h` by
`(x_shuffled - x)[:, group] @ w1[group]`, so that thousands of columns take seconds.

    Breiman, *Random forests*, Machine Learning 45 (2001) 5-32, section 10, for one input at a time;
    Fisher, Rudin & Dominici, *All models are wrong, but many are useful*, JMLR 20 (2019), for any model and any group.

**Lek's profiles** draw the answer against one input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError

CORRELATED = 0.8  # |correlation| from which two inputs are one group
TOP_GROUPS = 5  # the places that count as the top
MAX_COLUMNS = 20_000  # with more, only the strongest by their weights are grouped and shuffled
MAX_STRONGEST = 2_000
SHUFFLE_BLOCK = 256  # columns whose correlations with all others are held at once
MAX_NUMBERS = 4_000_000  # of hidden units, networks, rows and orders that are held at once
LEAST_LOSS = 1e-15  # of a probability, so that its logarithm is finite


@dataclass(frozen=True, eq=False)
class Importances:
    """What predictions lose without each group of inputs, the groups in the order in which they were found.

    Attributes
    ----------
    groups : list of ndarray of int
        The columns of each; its first stands for it.
    mean, low, high : ndarray, shape (n_groups,)
        The mean loss of accuracy over shuffles, and the range of 95% of resamples of the rows.
    on_top : ndarray, shape (n_groups,)
        The share of resamples in which the group is among the `top`.
    top : int
    unit : str
        What is lost: "R²", or "log loss" (which grows).
    repeats, resamples : int
    n_inputs : int
        Of the table; more than the groups hold if only the strongest were looked at.
    """

    groups: list[np.ndarray]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    on_top: np.ndarray
    top: int
    unit: str
    repeats: int
    resamples: int
    n_inputs: int


def correlated_groups(
    x: Any, sources: Sequence[Any] | None = None, alike: float = CORRELATED, order: Any = None
) -> list[np.ndarray]:
    """Groups of columns that say nearly the same.

    The first column in `order` leads a group of all whose |correlation| with it is `alike` or more; the first of those left
    leads the next. Each member is close to the leader, so groups do not drift as they do where neighbours are chained.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_inputs)
    sources : n_inputs names, or None
        Columns of the same source, such as those made from one column of categories, are one group in any case.
    alike : float
        Above 0; above 1 nothing is grouped.
    order : array-like of int, or None
        Which columns are grouped, the first leaders first; None is all, from the left.

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
    leader = np.full(len(order), -1)
    for first in range(0, len(order), SHUFFLE_BLOCK):
        block = slice(first, min(first + SHUFFLE_BLOCK, len(order)))
        if (leader[block] >= 0).all():
            continue
        close = np.abs(z[:, block].T @ z) >= np.float32(alike - 1e-6)
        for k in range(block.start, block.stop):
            if leader[k] < 0:
                leader[(leader < 0) & close[k - first]] = k
                leader[k] = k
    if sources is not None:
        _join_sources(leader, [sources[j] for j in order])
    return [order[leader == k] for k in np.unique(leader)]


def _join_sources(leader: np.ndarray, sources: list[Any]) -> None:
    """Make one of the groups that share a source; the earlier leads."""
    seen: dict[Any, int] = {}
    for k, source in enumerate(sources):
        other = leader[seen.setdefault(source, k)]
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
    """How much worse a fitted model predicts when the values of inputs are shuffled among the rows.

    All groups are shuffled in the same orders, which compares them fairly. The range, and how often a group stays on top,
    come from rows drawn again with replacement: they tell what other rows would have said of this same model, not what
    another training would.

    Parameters
    ----------
    model : fitted estimator of twolayer
    x : ndarray, shape (n_rows, n_inputs)
        Rows, better not those of training.
    y : array-like, shape (n_rows,) or (n_rows, n_outputs)
    sample_weight : array-like, shape (n_rows,), or None
    groups : list of arrays of columns, or None
        None finds them, by `correlated_groups` on these rows.
    sources : n_inputs names, or None
        As in `correlated_groups`.
    repeats : int
        Shuffles.
    resamples : int
    top : int or None
        How many places are the top; None is 5, and of few groups no more than a third.
    random_state : int or Generator
    progress : callable or None
        Called with groups done, and all.

    Returns
    -------
    importances : Importances

    Raises
    ------
    InputError
        If the model is none, there are fewer than two rows, or all targets are the same.

    Examples
    --------
    >>> import numpy as np, twolayer as tl
    >>> from twolayer.inspection.importances import permutation
    >>> x = np.random.default_rng(0).standard_normal((80, 3))
    >>> model = tl.TwoLayerRegressor(5, alpha=1, n_networks=1, random_state=0).fit(x, x[:, 1])
    >>> found = permutation(model, x, x[:, 1])
    >>> best = found.mean.argmax()
    >>> found.groups[best].tolist(), float(found.on_top[best])
    ([1], 1.0)
    """
    checks.whole_number(repeats, "repeats")
    checks.whole_number(resamples, "resamples")
    _check_groupable(model, x)
    x = np.asarray(x, dtype=float)
    if len(x) < 2:
        raise InputError(f"values are shuffled among rows, and x has {len(x)}: give it two or more")
    s = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
    rng = np.random.default_rng(random_state)
    row_loss, unit = _loss_of_rows(model, y, s)
    if groups is None:
        groups = input_groups(model, x, sources)
    top = (
        min(TOP_GROUPS, max(1, len(groups) // 3))
        if top is None
        else checks.whole_number(top, "top")
    )
    shuffled = ShuffledPredictions(model, x, row_orders(len(x), repeats, rng))
    base = row_loss(shuffled.as_it_is())
    lost = np.empty((len(groups), len(x)))
    for k, group in enumerate(groups):
        each = [row_loss(answers) for answers in shuffled.without(np.asarray(group))]
        lost[k] = np.concatenate(each).mean(axis=0) - base
        if progress is not None:
            progress(k + 1, len(groups))
    counts = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=resamples) * s
    counts = counts[counts.sum(axis=1) > 0]
    drawn = counts @ lost.T / counts.sum(axis=1, keepdims=True)  # (resamples, n_groups)
    best = np.argsort(-drawn, axis=1, kind="stable")[:, :top]
    on_top = np.bincount(best.ravel(), minlength=len(groups)) / len(drawn)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return Importances(
        [np.asarray(group) for group in groups], lost @ s / s.sum(), low, high, on_top, top, unit,
        repeats, len(drawn), x.shape[1],
    )  # fmt: skip


def input_groups(
    model: Any, x: np.ndarray, sources: Sequence[Any] | None = None
) -> list[np.ndarray]:
    """The groups of correlated columns, led by those with the strongest weights; of very many columns, of those alone."""
    return correlated_groups(x, sources, order=_strongest_first(model, x))


def row_orders(n_rows: int, repeats: int, rng: np.random.Generator) -> np.ndarray:
    """Random orders of the rows, (repeats, n_rows)."""
    return np.stack([rng.permutation(n_rows) for _ in range(repeats)])


def _check_groupable(model: Any, x: Any) -> None:
    if not hasattr(model, "w1_"):
        raise InputError(
            f"importances are of a fitted TwoLayerRegressor or TwoLayerClassifier; got {type(model).__name__}"
        )
    if checks.is_sparse(x):
        raise InputError("columns of a sparse table cannot be shuffled yet: give x as an array")


def _strongest_first(model: Any, x: np.ndarray) -> np.ndarray:
    """The columns by the weight of their paths; of very many only the strongest."""
    from twolayer.inspection.weights import column_spreads, weight_shares

    share = weight_shares(list(model._each_network()), column_spreads(x))
    order = np.argsort(-share, kind="stable")
    return order if len(order) <= MAX_COLUMNS else order[:MAX_STRONGEST]


class ShuffledPredictions:
    """The answers of a model to a table some of whose columns are shuffled.

    Parameters
    ----------
    model : fitted estimator
    x : ndarray, shape (n_rows, n_inputs)
    orders : ndarray of int, shape (n_orders, n_rows)
    """

    def __init__(self, model: Any, x: np.ndarray, orders: np.ndarray) -> None:
        self.model, self.x, self.orders = model, x, orders
        params = model.params_
        self.w1, self.w2 = (w.reshape(-1, *w.shape[-2:]) for w in (params.w1, params.w2))
        self.b2 = params.b2.reshape(len(self.w2), 1, 1, -1)
        self.h = (x @ self.w1 + params.b1.reshape(len(self.w1), 1, -1))[:, None]
        self.w_skip, self.direct = None, np.zeros(())
        if params.w_skip is not None:
            self.w_skip = params.w_skip.reshape(-1, *params.w_skip.shape[-2:])
            self.direct = (x @ self.w_skip)[:, None]
        # (n_networks, 1, n_rows, n_hidden) and n_outputs: the axis of 1 is that of the orders
        self.at_once = max(1, MAX_NUMBERS // self.h.size)

    def as_it_is(self) -> np.ndarray:
        """The answers, (n_rows, n_answers): predictions, or probabilities of classes."""
        return self._answers(self.h, self.direct)[0]

    def without(self, columns: np.ndarray) -> Iterator[np.ndarray]:
        """The answers with these columns in each of the orders, some orders at a time: (n_some, n_rows, n_answers)."""
        still = self.x[:, columns]
        for first in range(0, len(self.orders), self.at_once):
            moved = still[self.orders[first : first + self.at_once]] - still
            h = self.h + moved @ self.w1[:, None, columns]
            direct = self.direct
            if self.w_skip is not None:
                direct = direct + moved @ self.w_skip[:, None, columns]
            yield self._answers(h, direct)

    def _answers(self, h: np.ndarray, direct: np.ndarray) -> np.ndarray:
        return self._together(
            self.model._activation().value(h) @ self.w2[:, None] + self.b2 + direct
        )

    def _together(self, outputs: np.ndarray) -> np.ndarray:
        """One answer of all networks, as the estimator gives it."""
        from twolayer.estimators.ensemble import class_probabilities, mean_logits

        if not hasattr(self.model, "classes_"):
            loss = self.model._task_loss()
            return np.mean([loss.mean(output) for output in outputs], axis=0)
        several = self.model._several_labels
        logits = outputs[0] if len(outputs) == 1 else mean_logits(outputs, several)
        return class_probabilities(logits / getattr(self.model, "temperature_", 1.0), several)


def _loss_of_rows(model: Any, y: Any, s: np.ndarray) -> tuple[Callable[[np.ndarray], Any], str]:
    """How wrong each row's answer is, so that the mean over rows is the log loss, or 1 - R²; and the name of that."""
    y = np.asarray(y)
    if getattr(model, "_several_labels", False):
        is_it = y == 1

        def of_labels(p: np.ndarray) -> Any:
            return -np.log(np.maximum(np.where(is_it, p, 1 - p), LEAST_LOSS)).mean(axis=-1)

        return of_labels, "log loss"
    if hasattr(model, "classes_"):
        places = np.searchsorted(model.classes_, y)
        rows = np.arange(len(y))
        return lambda p: -np.log(np.maximum(p[..., rows, places], LEAST_LOSS)), "log loss"
    y = y.astype(float).reshape(len(y), -1)
    variance = np.average(np.square(y - np.average(y, axis=0, weights=s)), axis=0, weights=s)
    if not (variance > 0).all():
        raise InputError("the target is the same in all rows: nothing can be lost by shuffling")
    return lambda y_pred: np.mean(np.square(y - y_pred) / variance, axis=-1), "R²"


# ---- profiles


def lek_values(
    answer: Callable[[np.ndarray], Any],
    x: np.ndarray,
    column: int,
    levels: Sequence[float] = (0.1, 0.3, 0.5, 0.7, 0.9),
    points: int = 60,
) -> tuple[np.ndarray, np.ndarray]:
    """Lek's profile: the answer while one input goes from its lowest to its highest value, the others held still.

    Parameters
    ----------
    answer : callable
        From rows, (n, n_inputs), to answers, (n,) or (n, n_answers): such as `model.predict`.
    x : ndarray, shape (n_rows, n_inputs)
    column : int
    levels : floats between 0 and 1
        The others are held at these quantiles of theirs, one after another.
    points : int

    Returns
    -------
    values : ndarray, shape (points,)
    answers : ndarray, shape (n_levels, points) or (n_levels, points, n_answers)

    Source: Lek, Delacoste, Baran, Dimopoulos, Lauga & Aulagnier, *Application of neural networks to modelling nonlinear
    relationships in ecology*, Ecological Modelling 90 (1996) 39-52.

    Examples
    --------
    >>> import numpy as np
    >>> from twolayer.inspection.importances import lek
    >>> values, answers = lek(lambda rows: rows[:, 0] + 10 * rows[:, 1], np.array([[0., 1.], [2., 3.]]), 0, [0, 1], 3)
    >>> values.tolist(), answers.tolist()
    ([0.0, 1.0, 2.0], [[10.0, 11.0, 12.0], [30.0, 31.0, 32.0]])
    """
    x = np.asarray(x, dtype=float)
    if not 0 <= column < x.shape[1]:
        raise InputError(f"column must be from 0 to {x.shape[1] - 1}; got {column}")
    values = np.linspace(x[:, column].min(), x[:, column].max(), points)
    return values, np.stack(
        [np.asarray(answer(rows)) for rows in _held_rows(x, column, levels, values)]
    )


def _held_rows(
    x: np.ndarray, column: int, levels: Sequence[float], values: np.ndarray
) -> Iterator[np.ndarray]:
    """The rows to ask about at each level."""
    for others in np.quantile(x, levels, axis=0):
        rows = np.tile(others, (len(values), 1))
        rows[:, column] = values
        yield rows
