"""How `twolayer fit` is asked to train, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer import checks
from twolayer.errors import InputError
from twolayer.maths.activations import ACTIVATIONS
from twolayer.training.engine_choice import check_device


@dataclass(frozen=True)
class TrainingOptions:
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


def training_options(
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
) -> TrainingOptions:
    """Refuse what cannot be used before anything is read."""

    checks.one_of(activation, ACTIVATIONS, "activation")
    units = [checks.whole_number(one, "--n-hidden") for one in parse_numbers(n_hidden)]
    checks.whole_number(max_iter, "--max-iter")
    alpha = parse_alpha(alpha)
    if cv is None and (len(units) > 1 or isinstance(alpha, list)):
        raise InputError("several values to choose from need --cv, such as --cv 5")
    if checks.finite_number(test_size, "--test-size", above=0) >= 1:
        raise InputError(
            f"--test-size is a share of the rows, between 0 and 1, such as 0.25; got {test_size:g}"
        )
    if checks.whole_number(seed, "--seed", at_least=0) >= 2**32:
        raise InputError(f"--seed must be below {2**32}; got {seed}")
    if n_networks != "auto":
        (n_networks,) = parse_numbers(n_networks)[:1]
        checks.whole_number(n_networks, "--n-networks")
    if cv is not None:
        checks.whole_number(cv, "--cv", at_least=2)
    check_device(engine, device)
    return TrainingOptions(
        units, alpha, activation, max_iter, test_size, seed, engine, n_networks, cv, device, skip
    )


def parse_numbers(given: Any) -> list[Any]:
    """`10,50` as whole numbers; what is none stays as it is, for the check that follows."""
    words = given.split(",") if isinstance(given, str) else [given]
    return [
        int(word) if isinstance(word, str) and word.strip().isdigit() else word for word in words
    ]


def parse_alpha(alpha: Any) -> Any:
    """The number in the text, checked, or several; or "auto"."""

    if alpha == "auto":
        return alpha
    numbers = []
    for word in alpha.split(",") if isinstance(alpha, str) else [alpha]:
        try:
            number: Any = float(word)
        except (TypeError, ValueError):
            number = word
        numbers.append(checks.finite_number(number, "--alpha", at_least=0))
    return numbers[0] if len(numbers) == 1 else numbers
