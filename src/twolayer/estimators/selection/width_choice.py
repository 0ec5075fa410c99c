"""How many hidden units: the number whose networks do best on the rows left out, each at the alpha that is best for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twolayer.estimators.selection.alpha_choice import AS_GOOD_SHARE, AlphaChoice


def choose_width(
    widths: Sequence[int],
    search: Callable[[int], AlphaChoice],
    tell: Callable[[int, AlphaChoice], None],
) -> tuple[int, AlphaChoice]:
    """Return the number of hidden units with the least loss on rows left out, and the choice of alpha for it.

    Of those as good it is the fewest; and the most where there were too few rows to leave any out.

    Parameters
    ----------
    widths : sequence of int
        From few to many.
    search : callable
        Returns the choice of alpha of networks with so many hidden units, on the same folds for each.
    tell : callable
        Called with each number and its choice.
    """
    choices = {}
    for n_hidden in widths:
        choices[n_hidden] = search(n_hidden)
        tell(n_hidden, choices[n_hidden])
    losses = {n: choice.losses.min() for n, choice in choices.items() if len(choice.losses)}
    if not losses:
        return widths[-1], choices[widths[-1]]
    best = min(losses.values())
    as_good = [n for n, loss in losses.items() if loss <= best + AS_GOOD_SHARE * abs(best)]
    return as_good[0], choices[as_good[0]]
