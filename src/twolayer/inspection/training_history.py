"""The course of a training: how long the gradient was, and how far the weights moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.maths.network import Params
from twolayer.training.loop import Progress

LOOK_INTERVAL = (
    1.2  # times as many passes from one look to the next, as most happens at the beginning
)


class TrainingHistory:
    """A callback that looks at the gradient and the movement of the weights now and then.

    A look takes as long as a step on all rows, so there are few: after 5 passes, 10, 15, ..., from 25 on each a fifth later
    than the one before. What it sees are the weights for standardised inputs, where an estimator trains.

    Parameters
    ----------
    most : int or None
        Look at so many trainings only, where networks are trained one after another; None for all.

    Attributes
    ----------
    every : int
        Passes over the table between two calls, which an estimator asks its training for.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> import twolayer as tl
    >>> from twolayer import plots
    >>> from twolayer.inspection.training_history import Course
    >>> x, y = load_iris(return_X_y=True)
    >>> course = Course()
    >>> model = tl.TwoLayerClassifier(10, alpha=1.0, n_networks=1, random_state=0, callback=course).fit(x, y)
    >>> seen = course.table()
    >>> ax = plots.step_sizes(seen["gradient_norms"], seen["update_sizes"], at=seen["steps"])
    """

    every = 5

    def __init__(self, most: int | None = None) -> None:
        self.most, self.ended, self.step = most, 0, 0
        self.runs: list[dict[str, list[Any]]] = []  # one after another, each of some networks
        self.last: tuple[int, Params] | None = None

    def __call__(self, progress: Progress) -> None:
        """Look, if it is time."""
        if self.step and not progress.previous_step:
            self.last = None  # the next network's training
            self.ended += 1
        self.step = progress.step
        if self.most is not None and self.ended >= self.most:
            return
        if self.last is not None and progress.step < self.last[0] * LOOK_INTERVAL:
            return
        params = progress.params()
        if self.last is None:
            self.runs.append({"steps": [], "gradient_norms": [], "update_sizes": []})
            moved = np.full(params.n_networks or 1, np.nan)
        else:
            step, before = self.last
            moved = weight_lengths(params.map(np.subtract, before)) / (progress.step - step)
        run = self.runs[-1]
        run["steps"].append(progress.step)
        run["gradient_norms"].append(weight_lengths(progress.gradients()))
        run["update_sizes"].append(moved)
        self.last = (progress.step, params)

    def table(self, n_networks: int | None = None) -> dict[str, np.ndarray]:
        """What was seen.

        Parameters
        ----------
        n_networks : int or None
            Take the last so many, where a training had to be begun anew; None for all.

        Returns
        -------
        dict
            "steps", (looks,): steps taken before each look; "gradient_norms", (looks, n_networks): the length of all
            gradients together; "update_sizes", likewise: how far the weights moved a step, on average since the look
            before. NaN where there was no look before, and after a network's end.
        """
        steps = max((run["steps"] for run in self.runs), key=len, default=[])
        told = {"steps": np.array(steps, dtype=np.int64)}
        for name in ("gradient_norms", "update_sizes"):
            columns = [np.array(run[name]) for run in self.runs]
            ended = [np.full((len(steps) - len(one), one.shape[1]), np.nan) for one in columns]
            columns = [np.concatenate(parts) for parts in zip(columns, ended, strict=True)]
            whole = np.concatenate([np.zeros((len(steps), 0)), *columns], axis=1)
            told[name] = whole if n_networks is None else whole[:, -n_networks:]
        return told

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        last = self.last and {"step": self.last[0], "params": dict(self.last[1].items())}
        return {"runs": self.runs, "last": last, "step": self.step, "ended": self.ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where another was when its `state_dict` was taken."""
        self.runs, last = state["runs"], state["last"]
        self.step, self.ended = state["step"], state["ended"]
        self.last = last and (last["step"], Params(**{"b1": None, "b2": None, **last["params"]}))


def weight_lengths(params: Params) -> np.ndarray:
    """The length of all weights of each network as one vector, (n_networks,); of one network (1,)."""
    networks = params.n_networks or 1
    squares = [np.square(w.reshape(networks, -1)).sum(1) for _, w in params.items()]
    return np.sqrt(np.sum(squares, axis=0))
