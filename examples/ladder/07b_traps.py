"""Four wrong versions of the update of 07. Each runs and shows its own error; then come the cures.

All of them look like the line of 01, `w1 -= learning_rate * grad_w1`.
"""

import warnings

import numpy as np
import torch

n_rows, n_inputs, n_hidden, n_outputs = 64, 1000, 100, 10
learning_rate = 1e-6


def start():
    """The numbers of 07."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((n_rows, n_inputs)))
    y = torch.from_numpy(rng.standard_normal((n_rows, n_outputs)))
    w1 = torch.from_numpy(rng.standard_normal((n_inputs, n_hidden))).requires_grad_()
    w2 = torch.from_numpy(rng.standard_normal((n_hidden, n_outputs))).requires_grad_()
    return x, y, w1, w2


def forward(x, y, w1, w2):
    """The forward half of 07: the loss."""
    return (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()


def new_tensor_recorded():
    x, y, w1, w2 = start()
    for t in range(2):
        loss = forward(x, y, w1, w2)
        print(f"  step {t}: loss {loss.item():.1f}, w1.is_leaf {w1.is_leaf}")
        loss.backward()
        w1 = w1 - learning_rate * w1.grad
        w2 = w2 - learning_rate * w2.grad


def new_tensor_not_recorded():
    x, y, w1, w2 = start()
    for t in range(2):
        loss = forward(x, y, w1, w2)
        print(f"  step {t}: loss {loss.item():.1f}, w1.requires_grad {w1.requires_grad}")
        loss.backward()
        with torch.no_grad():
            w1 = w1 - learning_rate * w1.grad
            w2 = w2 - learning_rate * w2.grad


def in_place_recorded():
    x, y, w1, w2 = start()
    forward(x, y, w1, w2).backward()
    w1 -= learning_rate * w1.grad


def never_cleared():
    x, y, w1, w2 = start()
    for t in range(31):
        loss = forward(x, y, w1, w2)
        loss.backward()
        if t in (0, 1, 10, 20, 30):
            print(
                f"  step {t}: loss {loss.item():.1f}, largest |w1.grad| {w1.grad.abs().max():.0f}"
            )
        with torch.no_grad():
            w1 -= learning_rate * w1.grad
            w2 -= learning_rate * w2.grad


def cured_in_place():
    x, y, w1, w2 = start()
    for t in range(31):
        loss = forward(x, y, w1, w2)
        loss.backward()
        if t in (0, 1, 10, 20, 30):
            print(
                f"  step {t}: loss {loss.item():.1f}, largest |w1.grad| {w1.grad.abs().max():.0f}"
            )
        with torch.no_grad():
            w1 -= learning_rate * w1.grad
            w2 -= learning_rate * w2.grad
            w1.grad.zero_()  # fills the old gradient with zeros; `w1.grad = None` drops it: the same to the next step
            w2.grad = None


def cured_new_leaf():
    x, y, w1, w2 = start()
    for t in range(31):
        loss = forward(x, y, w1, w2)
        loss.backward()
        if t in (0, 1, 10, 20, 30):
            print(f"  step {t}: loss {loss.item():.1f}, w1.is_leaf {w1.is_leaf}")
        w1 = (w1 - learning_rate * w1.grad).detach().requires_grad_()
        w2 = (w2 - learning_rate * w2.grad).detach().requires_grad_()


def show(title, program, meaning):
    print(f"\n{title}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            program()
        except (TypeError, RuntimeError) as error:
            for warning in caught:
                print(f"  {warning.category.__name__}: {str(warning.message).split('. ')[0]}.")
            print(f"  {type(error).__name__}: {str(error).splitlines()[0]}")
    print(f"  -> {meaning}")


show(
    "Trap 1: w1 = w1 - learning_rate * w1.grad, outside no_grad",
    new_tensor_recorded,
    "the new w1 is a result, not a leaf: backward() fills .grad of leaves only, so it is None.",
)
show(
    "Trap 2: the same inside no_grad",
    new_tensor_not_recorded,
    "nothing was recorded, so the new w1 has lost requires_grad: there is nothing to go back to.",
)
show(
    "Trap 3: w1 -= learning_rate * w1.grad, outside no_grad",
    in_place_recorded,
    "recorded, it would make w1 a result, no leaf any more, whose .grad is never filled again.",
)
show(
    "Trap 4: the gradients are never cleared",
    never_cleared,
    "no error, which is worse: each step moves along the sum of all gradients so far, not the last.",
)
show(
    "Cure 1: in place, inside no_grad, gradients cleared (the program of 07)",
    cured_in_place,
    "the same tensor throughout, a leaf that requires_grad.",
)
show(
    "Cure 2: a new tensor, made a leaf again",
    cured_new_leaf,
    "detach() forgets how it was made, requires_grad_() makes it a leaf; its .grad starts at None.",
)
