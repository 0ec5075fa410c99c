"""Whether the closed form of rows left out holds: where it may not, the rows it says most of are left out of a training.

The closed form is one step of Newton's method from the trained weights. It overshoots where a row alone decides its output,
where many rows have no curvature (beyond Huber's delta, or at probabilities of nearly 0 and 1), and where training ended
far from a minimum. Each leaves a sign that costs nothing. Where there is one, the networks are trained on from their weights
without the row, or without the fold, for the few whose outputs change most: what comes out replaces the closed form there,
and says how far off it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twolayer.estimators.ensemble import mean_outputs
from twolayer.maths.losses import Loss
from twolayer.maths.network import forward
from twolayer.maths.tangent import Tangent
from twolayer.training.train import train

MOST_CHECKED, STEPS_WITHOUT = 5, 300  # parts that are left out of a training, and its steps
MOST_AT_FIT, STEPS_AT_FIT = 3, 100  # a fifth of the time, and within a tenth of the change
FAR_RESIDUAL = 6  # times the usual one: a row left out that is so far off
HEARD = 0.15  # leverage of a row that is heard by its own output
FAR_LOGITS, FAR_ROWS = 5.0, 0.1  # rows whose logits move so far, and how many, tell of 0 and 1
SURE_LOGITS = 3.0  # by so much the row's own label moves its logit
CLOSE_FIT = 0.5  # mean leverage; above it, networks of a table that is not wide are not linear
UNSETTLED = 0.5  # of what leaving rows out does to the outputs
MOST_LOGIT_ERROR = 0.5  # of the true change, in the middle of the parts that are checked
MOST_ERROR = 1.0  # of the usual error of rows left out


@dataclass(frozen=True, eq=False)
class CheckedOutputs:
    """What networks say of rows left out.

    Attributes
    ----------
    outputs : ndarray, shape (n_networks, n_rows, n_outputs)
        On the scale of training.
    refusal : str or None
        Why the closed form does not hold; None if it does.
    """

    outputs: np.ndarray
    refusal: str | None = None


def checked_outputs(
    tangents: Sequence[Tangent],
    outputs: np.ndarray,
    blocks: Sequence[np.ndarray] | None,
    settled: bool,
    at_fit: bool = False,
) -> CheckedOutputs:
    """Return the outputs, corrected where some parts had to be left out of a training.

    Parameters
    ----------
    tangents : sequence of Tangent
        Of each network.
    outputs : ndarray, shape (n_networks, n_rows, n_outputs)
        In closed form.
    blocks : sequence of arrays of row numbers, or None
        What is left out together; None for each row alone.
    settled : bool
        Whether the closed form goes on to the minimum, as of a training that was cut short: then no other is compared with
        it, as one that goes on would end elsewhere whatever is left out.
    at_fit : bool
        Whether nobody has asked for it yet, so that it must not take longer than the fit: fewer parts, and fewer steps.
    """
    loss, before = tangents[0].loss, np.stack([one.outputs for one in tangents])
    taught = taught_outputs(tangents[0])
    own = mean_outputs(before, loss)[:, taught]
    after = mean_outputs(outputs, loss)[:, taught]
    known = np.isfinite(after).all(axis=1)
    if not known.any() or not taught.any():
        return CheckedOutputs(outputs)
    if settled:
        return CheckedOutputs(outputs, settled_refusal(tangents, own, after[known], known))
    if not is_doubtful(tangents, own, after, known, taught):
        return CheckedOutputs(outputs)
    parts = list(np.arange(len(own))[:, None]) if blocks is None else list(blocks)
    moved = np.square(np.where(known[:, None], after - own, 0)).sum(axis=1)
    largest = np.argsort([-moved[part].mean() for part in parts], kind="stable")
    n_parts, steps = (MOST_AT_FIT, STEPS_AT_FIT) if at_fit else (MOST_CHECKED, STEPS_WITHOUT)
    checked = [parts[k] for k in largest[:n_parts] if known[parts[k]].all()]
    if not checked:
        return CheckedOutputs(outputs)
    outputs = outputs.copy()
    for part in checked:
        for network, tangent in enumerate(tangents):
            outputs[network, part] = trained_without(tangent, part, steps)
    true = mean_outputs(outputs, loss)[:, taught]
    errors = [rms(true[part] - after[part]) for part in checked]
    changes = [rms(true[part] - own[part]) for part in checked]
    usual_change = float(np.sqrt(moved[known].mean()))
    usual_error = float(np.median(np.abs(tangents[0].y[:, taught] - after)[known]))
    return CheckedOutputs(outputs, error_refusal(errors, changes, usual_change, usual_error, loss))


def error_refusal(
    errors: list[float], changes: list[float], usual_change: float, usual_error: float, loss: Loss
) -> str | None:
    """Return that the closed form is too far off, of its errors and the true changes of the parts that were checked."""
    off = "what the closed form says of rows left out is off by "
    if loss.y_to < np.inf:  # of classes
        scales = [max(change, usual_change / 2, 1e-300) for change in changes]
        error = float(np.median(np.divide(errors, scales)))
        return f"{off}{error:.0%} of what it changes" if error > MOST_LOGIT_ERROR else None
    error = float(np.median(errors)) / max(usual_error, 1e-300)
    return f"{off}{min(error, 999):.1f} times the usual error" if error > MOST_ERROR else None


def rms(values: np.ndarray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.square(values).mean()))


def taught_outputs(tangent: Tangent) -> np.ndarray:
    """Return which outputs the rows of weight teach, bool of shape (n_outputs,).

    A class without such a row, or a label that all of them have or none, has no minimum: its bias goes on for ever.
    """
    y, s = tangent.y, tangent.s
    if tangent.loss.y_to == np.inf:
        return np.ones(y.shape[1], dtype=bool)
    heard = y if s is None else y[s > 0]
    return np.asarray(heard.min(axis=0) < heard.max(axis=0))


def unsettled_outputs(tangent: Tangent, taught: np.ndarray) -> np.ndarray:
    """Return how far outputs are from the minimum of the linear view, but for a common shift of the logits of classes."""
    rest = tangent.unsettled[:, taught]
    if tangent.loss.takes_labels and rest.shape[1] > 1:
        rest = rest - rest.mean(axis=1, keepdims=True)
    return np.asarray(rest)


def mean_leverage(tangents: Sequence[Tangent]) -> np.ndarray:
    """Return the share of each row's outputs that is its own target's doing, mean over the networks, (n_rows,)."""
    n_outputs = tangents[0].outputs.shape[1]
    return np.mean([one.leverage for one in tangents], axis=0) / n_outputs


def is_narrow(tangent: Tangent) -> bool:
    """Return whether the table is not wide: a wide one has as many axes as rows, but one, and networks near linear."""
    return bool(tangent.features.x.shape[1] < len(tangent.outputs) - 1)


def settled_refusal(
    tangents: Sequence[Tangent], own: np.ndarray, after: np.ndarray, known: np.ndarray
) -> str | None:
    """Return why the closed form says too little after a training that was cut short; None if it does not."""
    share = mean_leverage(tangents).mean()
    if is_narrow(tangents[0]) and share > CLOSE_FIT:
        return f"training was cut short, and {share:.0%} of each output is the row's own target's doing"
    far = np.abs(after - own[known]).max(axis=1) > FAR_LOGITS
    if tangents[0].loss.y_to < np.inf and far.mean() > FAR_ROWS:
        return "training was cut short, and the probabilities are nearly 0 and 1"
    return None


def is_doubtful(
    tangents: Sequence[Tangent],
    own: np.ndarray,
    after: np.ndarray,
    known: np.ndarray,
    taught: np.ndarray,
) -> bool:
    """Return whether there is a sign that the closed form may not hold, of outputs of the average before and after."""
    first = tangents[0]
    leverage = mean_leverage(tangents)
    if is_narrow(first) and leverage.mean() > CLOSE_FIT:
        return True
    moved = (after - own)[known]
    if rms(unsettled_outputs(first, taught)) > UNSETTLED * rms(moved):
        return True
    if first.loss.y_to < np.inf:  # of classes
        return bool(np.abs(moved).max() > SURE_LOGITS)
    if first.is_flat:
        return True
    off = np.abs(first.y - after)[known]
    usual = np.median(off, axis=0) / 0.6745  # of a normal distribution
    far = (off > FAR_RESIDUAL * usual).any(axis=1) & (leverage[known] > HEARD)
    return bool(far.any())


def trained_without(tangent: Tangent, rows: np.ndarray, steps: int) -> np.ndarray:
    """Return a network's outputs for these rows, (n_rows, n_outputs), trained on from its weights without them."""
    x = tangent.features.x
    kept = np.ones(x.shape[0], dtype=bool)
    kept[rows] = False
    run = train(
        x[kept],
        tangent.y[kept],
        tangent.params,
        loss=tangent.loss,
        activation=tangent.activation,
        solver="lbfgs",
        alpha=tangent.alpha,
        steps=steps,
        tol=1e-4,
        sample_weight=None if tangent.s is None else tangent.s[kept],
    )
    return forward(x[rows], run.params, tangent.activation)
