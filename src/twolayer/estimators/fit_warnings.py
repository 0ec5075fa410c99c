"""What a fit says of its training where something is to be known."""

from __future__ import annotations

from twolayer.estimators.selection.alpha_choice import AlphaChoice

CONSTANT_SPREAD = (
    "spread=True, and there were too few rows left out of training to learn a spread from: the standard deviation depends "
    "on the row no more than with spread=False"
)


def convergence_warning(max_iter: int) -> str:
    """Return what to say where the steps ran out."""
    return (
        f"training took all of max_iter={max_iter} passes over the rows and had not converged: raise max_iter, or raise "
        "tol to end it earlier"
    )


def interrupted_warning(passes: int) -> str:
    """Return what to say where Ctrl-C ended the training."""
    return (
        f"training interrupted by the user (Ctrl-C) in pass {passes} over the rows: the model keeps what it had learned "
        "until then"
    )


def constant_warning(choice: AlphaChoice) -> str:
    """Return what to say where no alpha made networks that are better than a constant."""
    tried = f"alpha {choice.alpha:g}, the only one tried,"
    if len(choice.alphas) > 1:
        tried = (
            f"{len(choice.alphas)} values of alpha from {choice.alphas[0]:g} to {choice.alphas[-1]:g} were tried, and the "
            f"best, {choice.alpha:g},"
        )
    return (
        f"on rows left out, no network was better than a constant prediction (mean loss {choice.constant_loss:.4g}): "
        f"{tried} gave {choice.losses.min():.4g}. Do not rely on its predictions"
    )
