"""Early stopping: scores on rows held out of training as it goes on, and the weights at the best of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer.estimators.ensemble import single_networks
from twolayer.maths.network import Params
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
    """

    def __init__(self, score: Callable[[Params], float], patience: int) -> None:
        self.score, self.patience = score, patience
        self.networks: list[BestNetwork] = []
        self.ended = 0  # networks that came before, where one is trained after another

    def __call__(self, progress: Progress) -> bool:
        if not progress.previous_step:
            self.ended = len(self.networks)
        each = single_networks(progress.params())
        if len(self.networks) == self.ended:
            self.networks += [BestNetwork() for _ in each]
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
        """Go on from the state of another."""
        self.ended = state["ended"]
        self.networks = []
        for best in state["networks"]:
            weights = best["params"]
            params = weights and Params(**{"b1": None, "b2": None, **weights})
            self.networks.append(BestNetwork(**{**best, "params": params}))

    def best(self, alone: bool) -> Params:
        """Return every network at its best, the end of its training included."""
        params = [best.params for best in self.networks if best.params is not None]
        return params[0] if alone else Params.stack(params)

    def scores(self, alone: bool) -> np.ndarray:
        """Return all scores, (n_scores,) or (n_scores, n_networks); a network that ended earlier keeps its last one."""
        longest = max(len(best.scores) for best in self.networks)
        columns = [
            best.scores + best.scores[-1:] * (longest - len(best.scores)) for best in self.networks
        ]
        return np.array(columns[0] if alone else np.array(columns).T, dtype=np.float64)
