"""How many hidden units: the number whose networks do best on the rows left out, each at the alpha that is best for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twolayer.estimators.selection.alpha_choice import AS_GOOD_SHARE, AlphaChoice
from twolayer.estimators.selection.left_out_rows import IN_CLOSED_FORM


def choose_width(
    widths: Sequence[int],
    search: Callable[[int, bool], AlphaChoice],
    tell: Callable[[int, AlphaChoice], None],
) -> tuple[int, AlphaChoice]:
    """Return the number of hidden units with the least loss on rows left out, and the choice of alpha for it.

    Of those as good it is the fewest; and the most where there were too few rows to leave any out.

    Parameters
    ----------
    widths : sequence of int
        From few to many.
    search : callable
        Returns the choice of alpha of networks with so many hidden units, on the same folds for each; its second argument
        says whether rows may be left out in closed form. Where that does not hold for one number, networks are trained
        without each fold for all of them, as losses of the two kinds cannot be compared.
    tell : callable
        Called with each number and its choice.
    """
    choices = {n_hidden: search(n_hidden, True) for n_hidden in widths}
    if len({choice.way for choice in choices.values()}) > 1:
        for n_hidden, choice in choices.items():
            if choice.way.endswith(IN_CLOSED_FORM):
                choices[n_hidden] = search(n_hidden, False)
    for n_hidden, choice in choices.items():
        tell(n_hidden, choice)
    losses = {n: choice.losses.min() for n, choice in choices.items() if len(choice.losses)}
    if not losses:
        return widths[-1], choices[widths[-1]]
    best = min(losses.values())
    as_good = [n for n, loss in losses.items() if loss <= best + AS_GOOD_SHARE * abs(best)]
    return as_good[0], choices[as_good[0]]
