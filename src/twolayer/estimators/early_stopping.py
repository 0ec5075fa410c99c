"""Early stopping: scores on rows held out of training as it goes on, and the weights at the best of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from twolayer.errors import FileError
from twolayer.estimators.ensemble import single_networks
from twolayer.maths.network import Params
from twolayer.text import plural
from twolayer.training.checkpoint_schema import (
    has_entries,
    is_whole,
    require_intact,
    restored_params,
)
from twolayer.training.loop import Progress


@dataclass(eq=False)
class BestNetwork:
    """One network's scores so far, and its weights at the best of them."""

    scores: list[float] = field(default_factory=list)
    params: Params | None = None
    score: float = -np.inf
    step: int = 0
    waiting: int = 0

    def update(self, score: float, params: Params, step: int) -> None:
        """Add a score, and keep the weights if it is the best."""
        self.scores.append(score)
        self.waiting += 1
        if self.params is None or score > self.score:
            self.score, self.params, self.step, self.waiting = score, params, step, 0


class EarlyStopping:
    """A callback that scores every network between chunks of steps, and ends the training when no score improves.

    Parameters
    ----------
    score : callable
        From the weights of one network, for standardised columns, to its score on the rows held out: higher is better.
    patience : int
        So many scores in succession that are not better end the training.
    start : Params
        Weights of the shapes of those that it will score, of all networks.
    """

    def __init__(self, score: Callable[[Params], float], patience: int, start: Params) -> None:
        self.score, self.patience, self.start = score, patience, start
        self.networks: list[BestNetwork] = []
        self.ended = 0  # networks that came before, where one is trained after another

    @property
    def reason(self) -> str:
        """Why it ends a training."""
        return (
            f"early stopping: {plural(self.patience, 'score')} in succession brought no better one"
        )

    @property
    def last_score(self) -> float:
        """The last score of the networks that are being trained: their mean."""
        return float(np.mean([best.scores[-1] for best in self.networks[self.ended :]]))

    def __call__(self, progress: Progress) -> bool:
        if not progress.previous_step:
            self.ended = len(self.networks)
        each = single_networks(progress.params())
        if len(self.networks) == self.ended:
            self.networks += [BestNetwork() for _ in each]
        require_intact(len(self.networks) - self.ended == len(each), "early stopping")
        for best, one in zip(self.networks[self.ended :], each, strict=True):
            best.update(self.score(one), one, progress.step)
        return all(best.waiting >= self.patience for best in self.networks[self.ended :])

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint stores."""
        networks = [
            {
                **vars(best),
                "scores": list(best.scores),
                "params": best.params and dict(best.params.items()),
            }
            for best in self.networks
        ]
        return {"networks": networks, "ended": self.ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the state of another; raise DamagedError if it is not one of such networks."""
        what, expected = "early stopping", single_networks(self.start)
        require_intact(has_entries(state, {"networks", "ended"}), what)
        stored, ended = state["networks"], state["ended"]
        require_intact(isinstance(stored, list) and len(stored) <= len(expected), what)
        require_intact(is_whole(ended, 0, len(stored)), what)
        networks = []
        for one, like in zip(stored, expected, strict=False):
            require_intact(has_entries(one, {f.name for f in fields(BestNetwork)}), what)
            scores = one["scores"]
            numbers = isinstance(scores, list) and all(map(is_score, [*scores, one["score"]]))
            require_intact(numbers and scores, what)
            steps = is_whole(one["step"]) and is_whole(one["waiting"], 0, len(scores))
            require_intact(steps, what)
            networks.append(BestNetwork(**{**one, "params": restored_params(one["params"], like)}))
        self.networks, self.ended = networks, ended

    def best(self, last: Params) -> Params:
        """Return every network at its best, the end of its training, `last`, included."""
        alone = last.n_networks is None
        params = [best.params for best in self.networks if best.params is not None]
        if len(params) != (last.n_networks or 1):
            raise FileError("the checkpoint's record of early stopping is damaged: start anew")
        return params[0] if alone else Params.stack(params)

    def scores(self, alone: bool) -> np.ndarray:
        """Return all scores, (n_scores,) or (n_scores, n_networks); a network that ended earlier keeps its last one."""
        longest = max(len(best.scores) for best in self.networks)
        columns = [
            best.scores + best.scores[-1:] * (longest - len(best.scores)) for best in self.networks
        ]
        return np.array(columns[0] if alone else np.array(columns).T, dtype=np.float64)


def is_score(value: Any) -> bool:
    """Return whether a value is a number; a score of the user's may be infinite, or NaN."""
    return isinstance(value, float) or is_whole(value, -(2**53))
