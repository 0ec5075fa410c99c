"""The history of a training: the length of the gradient, and how far the weights moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.maths.network import Params
from twolayer.training.checkpoint_schema import (
    check_same_form,
    has_entries,
    is_array,
    is_whole,
    require_intact,
    restored_params,
)
from twolayer.training.loop import Progress

# A record comes at this many times the step of the last record: most happens at the beginning
RECORD_INTERVAL = 1.2
HISTORY_SERIES = ("gradient_norms", "update_sizes")
HISTORY_ENTRY = "the training history"  # in messages


class TrainingHistory:
    """A callback that records the length of the gradient and of the update now and then.

    A record takes as long as a step on all rows, so there are few: after 5 passes over the rows, 10, 15, 20, 25, and from
    there each a fifth later than the last. The weights are those for standardised inputs, with which an estimator trains.

    Parameters
    ----------
    max_trainings : int or None
        Record only this many trainings, where networks are trained one after another; None for all.

    Attributes
    ----------
    every : int
        Passes over the rows between two calls, which an estimator asks of its training.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> import twolayer as tl
    >>> from twolayer import plots
    >>> from twolayer.inspection.training_history import TrainingHistory
    >>> x, y = load_iris(return_X_y=True)
    >>> history = TrainingHistory()
    >>> model = tl.TwoLayerClassifier(10, alpha=1.0, n_networks=1, random_state=0, callback=history).fit(x, y)
    >>> table = history.table()
    >>> ax = plots.step_sizes(table["gradient_norms"], table["update_sizes"], at=table["steps"])
    """

    every = 5

    def __init__(self, max_trainings: int | None = None) -> None:
        self.max_trainings, self.ended, self.step = max_trainings, 0, 0
        self.runs: list[
            dict[str, list[Any]]
        ] = []  # one training after another, each of some networks
        self.last: tuple[int, Params] | None = None

    def __call__(self, progress: Progress) -> None:
        """Record this step if it is time."""
        if self.step and not progress.previous_step:
            self.last = None  # the next network's training
            self.ended += 1
        self.step = progress.step
        if self.max_trainings is not None and self.ended >= self.max_trainings:
            return
        if self.last is not None and progress.step < self.last[0] * RECORD_INTERVAL:
            return
        params = progress.training_params()
        if self.last is None:
            self.runs.append({"steps": [], "gradient_norms": [], "update_sizes": []})
            moved = np.full(params.n_networks or 1, np.nan)
        else:
            step, before = self.last
            check_same_form(dict(before.items()), dict(params.items()), HISTORY_ENTRY)
            require_intact(step < progress.step, HISTORY_ENTRY)
            moved = weight_lengths(params.map(np.subtract, before)) / (progress.step - step)
        run = self.runs[-1]
        require_intact(all(row.shape == moved.shape for row in run["update_sizes"]), HISTORY_ENTRY)
        run["steps"].append(progress.step)
        run["gradient_norms"].append(weight_lengths(progress.gradients()))
        run["update_sizes"].append(moved)
        self.last = (progress.step, params)

    def table(self, n_networks: int | None = None) -> dict[str, np.ndarray]:
        """Return the records as arrays.

        Parameters
        ----------
        n_networks : int or None
            Only the last `n_networks`, where a training was repeated; None for all.

        Returns
        -------
        dict
            "steps", (n_records,): steps taken before each record. "gradient_norms", (n_records, n_networks): the length of
            the gradient of all weights. "update_sizes", likewise: how far the weights moved per step, as a mean since the
            record before; NaN for the first record. All are NaN after a network's end.
        """
        steps = max((run["steps"] for run in self.runs), key=len, default=[])
        table: dict[str, np.ndarray] = {"steps": np.array(steps, dtype=np.int64)}
        for name in HISTORY_SERIES:
            columns = [np.zeros((len(steps), 0))]
            for run in self.runs:
                values = np.array(run[name])
                ended = np.full((len(steps) - len(values), values.shape[1]), np.nan)
                columns.append(np.concatenate([values, ended]))
            whole = np.concatenate(columns, axis=1)
            table[name] = whole if n_networks is None else whole[:, -n_networks:]
        return table

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""
        last = self.last and {"step": self.last[0], "params": dict(self.last[1].items())}
        return {"runs": self.runs, "last": last, "step": self.step, "ended": self.ended}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from the state of a checkpoint; raise DamagedError if it is not one."""
        require_intact(has_entries(state, {"runs", "last", "step", "ended"}), HISTORY_ENTRY)
        runs, last, step, ended = (state[name] for name in ("runs", "last", "step", "ended"))
        require_intact(isinstance(runs, list) and is_whole(step) and is_whole(ended), HISTORY_ENTRY)
        for run in runs:
            require_intact(has_entries(run, {"steps", *HISTORY_SERIES}), HISTORY_ENTRY)
            steps = run["steps"]
            require_intact(isinstance(steps, list) and steps, HISTORY_ENTRY)
            require_intact(all(map(is_whole, steps)) and steps == sorted(set(steps)), HISTORY_ENTRY)
            records = [
                row for name in HISTORY_SERIES if isinstance(run[name], list) for row in run[name]
            ]
            require_intact(
                len(records) == 2 * len(steps) == 2 * len(run[HISTORY_SERIES[0]]), HISTORY_ENTRY
            )
            shape = np.shape(records[0])[:1]
            require_intact(all(is_array(row, shape, np.float64) for row in records), HISTORY_ENTRY)
        self.runs, self.step, self.ended = runs, step, ended
        self.last = None
        if last is not None:
            require_intact(has_entries(last, {"step", "params"}), HISTORY_ENTRY)
            require_intact(runs and last["step"] == runs[-1]["steps"][-1], HISTORY_ENTRY)
            self.last = last["step"], restored_params(last["params"])


def weight_lengths(params: Params) -> np.ndarray:
    """Return the length of all weights of each network as one vector, shape (n_networks,); of one network (1,)."""
    networks = params.n_networks or 1
    squares = [np.square(w.reshape(networks, -1)).sum(1) for _, w in params.items()]
    return np.sqrt(np.sum(squares, axis=0))
