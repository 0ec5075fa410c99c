"""The same objectives written with torch's own functions only: expected values that owe nothing to the package."""

import torch
from torch.nn import functional

ACTIVATIONS = {
    "relu": torch.relu,
    "identity": lambda h: h,
    "tanh": torch.tanh,
    "logistic": torch.sigmoid,
    "leaky_relu": functional.leaky_relu,  # slope 0.01 by default
    "softplus": lambda h: functional.softplus(h, threshold=1000),  # nowhere h itself
    "gelu": functional.gelu,  # by erf by default
}


def sum_of_squares(y_pred, y):
    return functional.mse_loss(y_pred, y, reduction="none").sum(1)


def squared_error(y_pred, y):
    return 0.5 * functional.mse_loss(y_pred, y, reduction="none").sum(1)


def log_loss(y_pred, y):
    if y.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(y_pred, y, reduction="none")[:, 0]
    return functional.cross_entropy(y_pred, y, reduction="none")


def absolute_error(y_pred, y):
    return functional.l1_loss(y_pred, y, reduction="none").sum(1)


def huber(y_pred, y):
    return functional.huber_loss(y_pred, y, reduction="none", delta=1.0).sum(1)


def quantile(y_pred, y, level=0.5):
    too_low, too_high = torch.relu(y - y_pred), torch.relu(y_pred - y)
    return (level * too_low + (1 - level) * too_high).sum(1)


def poisson(y_pred, y):
    return functional.poisson_nll_loss(y_pred, y, log_input=True, full=False, reduction="none").sum(
        1
    )


def gaussian_nll(y_pred, y):
    """Of residuals around 0; torch's has the variance as its own argument."""
    none, variance = torch.zeros_like(y), torch.exp(2 * y_pred)
    nll = functional.gaussian_nll_loss
    return nll(none, y.sqrt(), variance, eps=1e-300, reduction="none").sum(1)


def binary_log_loss(y_pred, y):
    return functional.binary_cross_entropy_with_logits(y_pred, y, reduction="none").sum(1)


# name -> (loss of each row, whether rows are added up)
LOSSES = {
    "sum_of_squares": (sum_of_squares, True),
    "squared_error": (squared_error, False),
    "log_loss": (log_loss, False),
    "absolute_error": (absolute_error, False),
    "huber": (huber, False),
    "quantile": (quantile, False),
    "poisson": (poisson, False),
    "gaussian_nll": (gaussian_nll, False),
    "binary_log_loss": (binary_log_loss, False),
}


def forward(x, tensors, activation):
    h = functional.linear(x, tensors["w1"].T, tensors.get("b1"))
    y_pred = functional.linear(ACTIVATIONS[activation](h), tensors["w2"].T, tensors.get("b2"))
    return y_pred + x @ tensors["w_skip"] if "w_skip" in tensors else y_pred


def objective(x, y, tensors, loss, activation, alpha=0.0, s=None):
    """The objective as DESIGN's formulas say it: Σ or weighted mean over rows, plus weight decay."""
    rows, is_sum = LOSSES[loss]
    s = torch.ones(len(y), dtype=y.dtype) if s is None else s
    value = (s * rows(forward(x, tensors, activation), y)).sum()
    decay = 0.5 * alpha * sum((w**2).sum() for name, w in tensors.items() if name.startswith("w"))
    return value + decay if is_sum else (value + decay) / s.sum()


def leaves(params):
    """name -> a leaf tensor that records its gradient."""
    return {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}


def objective_and_gradients(x, y, params, loss, activation, alpha=0.0, s=None):
    """Value and gradients (name -> array) by torch's autograd."""
    tensors = leaves(params)
    value = objective(
        torch.tensor(x),
        torch.tensor(y),
        tensors,
        loss,
        activation,
        alpha,
        None if s is None else torch.tensor(s),
    )
    gradients = torch.autograd.grad(value, list(tensors.values()))
    return float(value.detach()), {
        name: gradient.numpy() for name, gradient in zip(tensors, gradients, strict=True)
    }
