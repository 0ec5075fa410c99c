"""Several networks, one answer: the mean of their probabilities, told in logits, and how far they disagree.

Logits z of a row come in three kinds. One alone is for two classes: p = 1 / (1 + exp(−z)). As many as there are classes
share one probability (softmax). With `several_labels` each is of a label by itself, and is averaged by itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax

from twolayer.maths.network import Params
from twolayer.training.train import Run


def stack_runs(runs: list[Run]) -> Run:
    """Runs of one network each as a run of several; `losses` is as long as the longest, the others keep their last one."""
    losses = np.empty((max(len(run.losses) for run in runs), len(runs)))
    for k, run in enumerate(runs):
        losses[: len(run.losses), k], losses[len(run.losses) :, k] = run.losses, run.final_loss
    return replace(
        runs[0],
        params=Params.stack([run.params for run in runs]),
        losses=losses,
        final_loss=np.array([run.final_loss for run in runs]),
        stopped="; ".join(dict.fromkeys(run.stopped for run in runs)),
    )


def mean_logits(outputs: np.ndarray, several_labels: bool = False) -> np.ndarray:
    """The logits of the networks' mean probabilities, (n_rows, n_outputs), from theirs, (n_networks, n_rows, n_outputs)."""
    if several_labels or outputs.shape[-1] == 1:
        for_it = np.logaddexp.reduce(log_expit(outputs), axis=0)
        return for_it - np.logaddexp.reduce(log_expit(-outputs), axis=0)
    return np.logaddexp.reduce(log_softmax(outputs, axis=-1), axis=0) - np.log(len(outputs))


def class_probabilities(logits: np.ndarray, several_labels: bool = False) -> np.ndarray:
    """The probability of each class, or of each label, from (..., n_outputs) logits."""
    if several_labels:
        return expit(logits)
    if logits.shape[-1] == 1:
        return np.concatenate([expit(-logits), expit(logits)], axis=-1)
    return softmax(logits, axis=-1)


def most_likely_class(logits: np.ndarray, several_labels: bool = False) -> np.ndarray:
    """The number of the most likely class of each row; of several labels 0 or 1 for each."""
    if several_labels:
        return (logits > 0).astype(int)
    return (logits[:, 0] > 0).astype(int) if logits.shape[1] == 1 else logits.argmax(axis=1)


def between_network_variance(outputs: np.ndarray) -> np.ndarray:
    """The variance between the networks, whose outputs are (n_networks, n_rows, n_outputs)."""
    if len(outputs) == 1:
        return np.zeros(outputs.shape[1:])
    return outputs.var(axis=0, ddof=1)
