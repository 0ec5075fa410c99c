"""Early stopping: rows held out of training, the score on them as it goes, and the weights at its best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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

    def __call__(self, progress: Progress) -> bool:
        if not progress.previous_step:
            self.ended = len(self.networks)
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
        return {"networks": networks, "ended": self.ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where another was when its `state_dict` was taken."""
        self.ended = state["ended"]
        self.networks = []
        for best in state["networks"]:
            weights = best["params"]
            params = weights and Params(**{"b1": None, "b2": None, **weights})
            self.networks.append(BestNetwork(**{**best, "params": params}))

    def best(self, alone: bool) -> Params:
        """Every network at its best, the end of its training included."""
        found = [best.params for best in self.networks if best.params is not None]
        return found[0] if alone else Params.stack(found)

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
