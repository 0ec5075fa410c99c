"""Early stopping: rows held out of training, the score on them as it goes, and the weights at its best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.maths.network import Params
from twolayer.training.loop import Progress


def validation_rows(
    y: np.ndarray,
    fraction: Any,
    rng: np.random.Generator,
    names: Any,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """The rows kept for validation, True for each: a random share, of every class its own, or of whole groups.

    Parameters
    ----------
    y : array, shape (n_rows, n_outputs), or class numbers of shape (n_rows,)
    fraction : float
    rng : numpy.random.Generator
    names : sequence
        The classes, for an error.
    groups : array, shape (n_rows,), or None
    """
    fraction = checks.finite_number(fraction, "validation_fraction", above=0)
    if fraction >= 1:
        raise InputError(
            f"validation_fraction is a share of the rows, between 0 and 1, such as 0.1; got {fraction:g}"
        )
    n_rows = len(y)
    if n_rows < 4:
        raise InputError(
            f"early_stopping keeps rows for validation, and there are {n_rows} different rows only: "
            "use early_stopping=False, or give X_val and y_val"
        )
    kept = np.zeros(n_rows, dtype=bool)
    if groups is not None:
        kept[validation_groups(groups, fraction, rng)] = True
        return kept
    order = rng.permutation(n_rows)
    if y.ndim > 1:
        kept[order[: min(max(1, round(fraction * n_rows)), n_rows - 2)]] = True
        return kept
    for label in np.unique(y):
        rows = order[y[order] == label]
        if len(rows) < 2:
            raise InputError(
                f"class {str(names[label])!r} has one row only (repeats count once): it cannot be both in the training "
                "part and in the validation part. Leave it out, use early_stopping=False, or give X_val and y_val"
            )
        kept[rows[: min(max(1, round(fraction * len(rows))), len(rows) - 1)]] = True
    return kept


def validation_groups(groups: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """The rows of a random share of the groups."""
    from sklearn.model_selection import GroupShuffleSplit

    if len(np.unique(groups)) < 2:
        raise InputError(
            "early_stopping keeps whole groups for validation, and there is one group only: use early_stopping=False, or "
            "give X_val and y_val"
        )
    splitter = GroupShuffleSplit(1, test_size=fraction, random_state=int(rng.integers(2**31)))
    _, kept = next(splitter.split(groups, groups=groups))
    return np.asarray(kept)


@dataclass(eq=False)
class BestNetwork:
    """One network's scores so far, and its weights at the best of them."""

    scores: list[float] = field(default_factory=list)
    params: Params | None = None
    score: float = -np.inf
    step: int = 0
    waiting: int = 0

    def see(self, score: float, params: Params, step: int) -> None:
        self.scores.append(score)
        self.waiting += 1
        if self.params is None or score > self.score:
            self.score, self.params, self.step, self.waiting = score, params, step, 0


class EarlyStopping:
    """Scores every network between chunks of steps, and ends the training of one that has not improved for a while.

    Parameters
    ----------
    score : callable
        From the weights of one network, for standardised columns, to its score on the rows held out: higher is better.
    patience : int
        So many looks in succession without a better score end it.
    """

    def __init__(self, score: Callable[[Params], float], patience: int) -> None:
        self.score, self.patience = score, patience
        self.networks: list[BestNetwork] = []
        self.ended = 0  # networks that came before, where one is trained after another
        self.step = 0

    def __call__(self, progress: Progress) -> bool:
        if progress.step <= self.step:
            self.ended = len(self.networks)
        self.step = progress.step
        params = progress.params()
        each = [params] if params.n_networks is None else single_networks(params)
        if len(self.networks) == self.ended:
            self.networks += [BestNetwork() for _ in each]
        for best, one in zip(self.networks[self.ended :], each, strict=True):
            best.see(self.score(one), one, progress.step)
        return all(best.waiting >= self.patience for best in self.networks[self.ended :])

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        networks = [
            {
                **vars(best),
                "scores": list(best.scores),
                "params": best.params and dict(best.params.items()),
            }
            for best in self.networks
        ]
        return {"networks": networks, "ended": self.ended, "step": self.step}

    def load_state_dict(self, kept: dict[str, Any]) -> None:
        """Go to where another was when it was `kept`."""
        self.ended, self.step = kept["ended"], kept["step"]
        self.networks = []
        for best in kept["networks"]:
            weights = best["params"]
            params = weights and Params(**{"b1": None, "b2": None, **weights})
            self.networks.append(BestNetwork(**{**best, "params": params}))

    def best(self, last: Params, steps: int) -> Params:
        """Every network at its best, the end of its training included."""
        each = [last] if last.n_networks is None else single_networks(last)
        while len(self.networks) < len(each):  # trained in one chunk, never looked at
            self.networks.append(BestNetwork())
        for best, one in zip(self.networks, each, strict=True):
            best.see(self.score(one), one, steps)
        found = [best.params for best in self.networks if best.params is not None]
        return found[0] if last.n_networks is None else Params.stack(found)

    def scores(self, alone: bool) -> np.ndarray:
        """The scores of every look, (n_looks,) or (n_looks, n_networks); one that ended before keeps its last."""
        longest = max(len(best.scores) for best in self.networks)
        columns = [
            best.scores + best.scores[-1:] * (longest - len(best.scores)) for best in self.networks
        ]
        return np.array(columns[0] if alone else np.array(columns).T, dtype=np.float64)


def single_networks(params: Params) -> list[Params]:
    """Each of several networks by itself."""
    return [params.network(k) for k in range(params.n_networks or 0)]
