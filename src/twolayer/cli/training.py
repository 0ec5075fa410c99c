"""How `twolayer fit` is asked to train, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Training:
    """How to train, checked."""

    n_hidden: list[int]
    alpha: Any
    activation: str
    max_iter: int
    test_size: float
    seed: int
    engine: str
    n_networks: Any
    cv: int | None
    device: str
    skip: bool | None = None


def check_options(
    n_hidden: Any,
    alpha: Any,
    activation: str,
    max_iter: int,
    test_size: float,
    seed: int,
    engine: str,
    n_networks: Any = "auto",
    cv: int | None = None,
    device: str = "cpu",
    skip: bool | None = None,
) -> Training:
    """Refuse what cannot be used before anything is read."""
    from twolayer import checks
    from twolayer.choosing import check_place
    from twolayer.errors import InputError
    from twolayer.maths.activations import ACTIVATIONS

    checks.one_of(activation, ACTIVATIONS, "activation")
    units = [checks.whole(one, "--n-hidden") for one in listed_numbers(n_hidden)]
    checks.whole(max_iter, "--max-iter")
    alpha = decay(alpha)
    if cv is None and (len(units) > 1 or isinstance(alpha, list)):
        raise InputError("several values to choose from need --cv, such as --cv 5")
    if checks.number(test_size, "--test-size", above=0) >= 1:
        raise InputError(
            f"--test-size is a share of the rows, between 0 and 1, such as 0.25; got {test_size:g}"
        )
    if checks.whole(seed, "--seed", at_least=0) >= 2**32:
        raise InputError(f"--seed must be below {2**32}; got {seed}")
    if n_networks != "auto":
        (n_networks,) = listed_numbers(n_networks)[:1]
        checks.whole(n_networks, "--n-networks")
    if cv is not None:
        checks.whole(cv, "--cv", at_least=2)
    check_place(engine, device)
    return Training(
        units, alpha, activation, max_iter, test_size, seed, engine, n_networks, cv, device, skip
    )


def listed_numbers(given: Any) -> list[Any]:
    """`10,50` as whole numbers; what is none stays as it is, for the check that follows."""
    words = given.split(",") if isinstance(given, str) else [given]
    return [
        int(word) if isinstance(word, str) and word.strip().isdigit() else word for word in words
    ]


def decay(alpha: Any) -> Any:
    """The number in the text, checked, or several; or "auto"."""
    from twolayer import checks

    if alpha == "auto":
        return alpha
    numbers = []
    for word in alpha.split(",") if isinstance(alpha, str) else [alpha]:
        try:
            number: Any = float(word)
        except (TypeError, ValueError):
            number = word
        numbers.append(checks.number(number, "--alpha", at_least=0))
    return numbers[0] if len(numbers) == 1 else numbers
