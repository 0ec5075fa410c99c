"""Several networks, one answer: the mean of their probabilities, as logits, and the variance between them.

The logits z of a row come in three kinds. A single one is for two classes: p = 1 / (1 + exp(−z)). One logit per class gives
probabilities that add up to 1 (softmax). With `several_labels` each logit belongs to a label of its own, and is averaged by
itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax

from twolayer.maths.losses import Loss
from twolayer.maths.network import Params
from twolayer.training.loop import BY_CALLBACK, joined_reasons
from twolayer.training.train import Run


def stack_runs(runs: list[Run]) -> Run:
    """Return runs of one or more networks each as one; `losses` is as long as the longest, others repeat their last."""
    curves = [run.losses[:, None] if run.losses.ndim == 1 else run.losses for run in runs]
    final_loss = np.concatenate([np.atleast_1d(run.final_loss) for run in runs])
    losses = np.repeat(final_loss[None], max(map(len, curves)), axis=0)
    first = 0
    for curve in curves:
        losses[: len(curve), first : first + curve.shape[1]] = curve
        first += curve.shape[1]
    return replace(
        runs[0],
        params=Params.stack([one for run in runs for one in single_networks(run.params)]),
        losses=losses,
        final_loss=final_loss,
        stopped=joined_reasons(run.stopped for run in runs),
    )


def loss_curves(losses: np.ndarray, steps_per_pass: int) -> np.ndarray:
    """Return the mean loss of each pass over the rows, shape (n_passes, n_networks), from those of the steps."""
    losses = losses[:, None] if losses.ndim == 1 else losses
    if steps_per_pass == 1 or not len(losses):
        return losses
    starts = np.arange(0, len(losses), steps_per_pass)
    counts = np.diff([*starts, len(losses)])
    return np.add.reduceat(losses, starts, axis=0) / counts[:, None]


def first_networks(run: Run, count: int, total: int) -> Run:
    """Return the run of the first of `total` networks only; a single one has no axis of its own."""
    pick: Any = 0 if count == 1 else slice(count)
    params = run.params.map(lambda w: w[pick])
    losses, final_loss = run.losses[:, pick], run.final_loss[pick]
    stopped = f"{BY_CALLBACK} in network {count} of {total}: those after it were not trained"
    return replace(run, params=params, losses=losses, final_loss=final_loss, stopped=stopped)


def single_networks(params: Params) -> list[Params]:
    """Return the networks one by one: as many as there are, also if it is a single one without an axis for them."""
    if params.n_networks is None:
        return [params]
    return [params.network(k) for k in range(params.n_networks)]


def mean_logits(outputs: np.ndarray, several_labels: bool = False) -> np.ndarray:
    """Return the logits of the mean probabilities, (n_rows, n_outputs), from those of (n_networks, n_rows, n_outputs)."""
    with np.errstate(invalid="ignore"):  # where one is not a number, neither is the mean
        if several_labels or outputs.shape[-1] == 1:
            log_yes = np.logaddexp.reduce(log_expit(outputs), axis=0)
            return log_yes - np.logaddexp.reduce(log_expit(-outputs), axis=0)
        return np.logaddexp.reduce(log_softmax(outputs, axis=-1), axis=0) - np.log(len(outputs))


def mean_outputs(outputs: np.ndarray, loss: Loss) -> np.ndarray:
    """Return the outputs of the average, (n_rows, n_outputs), of networks trained with that loss."""
    if loss.y_to < np.inf:  # of classes
        return mean_logits(outputs, several_labels=not loss.takes_labels)
    return outputs.mean(axis=0)


def class_probabilities(logits: np.ndarray, several_labels: bool = False) -> np.ndarray:
    """Return the probability of each class, or of each label, from (..., n_outputs) logits."""
    if several_labels:
        return expit(logits)
    if logits.shape[-1] == 1:
        return np.concatenate([expit(-logits), expit(logits)], axis=-1)
    return softmax(logits, axis=-1)


def most_likely_class(logits: np.ndarray, several_labels: bool = False) -> np.ndarray:
    """Return the number of the most likely class of each row; with several labels, 0 or 1 for each."""
    if several_labels:
        return (logits > 0).astype(int)
    return (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(axis=1)


def between_network_variance(outputs: np.ndarray) -> np.ndarray:
    """Return the variance between networks, (n_rows, n_outputs), from outputs (n_networks, n_rows, n_outputs)."""
    if len(outputs) == 1:
        return np.zeros(outputs.shape[1:])
    return outputs.var(axis=0, ddof=1)
