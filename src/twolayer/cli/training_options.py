"""How `twolayer fit` is asked to train, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from twolayer import checks
from twolayer.errors import InputError
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.smooth_clip import SCALINGS, SMOOTH_CLIP
from twolayer.training.engine_choice import check_device

Units = Annotated[
    str, typer.Option(help="Units in the hidden layer, or several to choose from: 10,50.")
]
Alpha = Annotated[
    str,
    typer.Option(
        help="Weight decay: larger is smoother; auto chooses it; with --cv also 0.1,1,10."
    ),
]
ActivationName = Annotated[
    str, typer.Option(help="relu, identity, tanh, logistic, leaky_relu, softplus, or gelu.")
]
MaxIter = Annotated[int, typer.Option(help="Steps of training at most.")]
TestSize = Annotated[float, typer.Option(help="Share of the rows kept for the test.")]
Seed = Annotated[int, typer.Option(help="Of the split and of the first weights.")]
EngineName = Annotated[str, typer.Option(help="Who computes the gradients, or auto.")]
Networks = Annotated[
    str, typer.Option(help="Networks whose answers are averaged; auto is 5 where they cost little.")
]
Folds = Annotated[
    int | None,
    typer.Option(help="Choose alpha and n-hidden by cross-validation with so many folds."),
]
Device = Annotated[
    str,
    typer.Option(
        help="Where to train: cpu; cuda or cuda:1, a GPU by engine torch; auto, a GPU if there is one and it pays."
    ),
]
Skip = Annotated[
    bool | None,
    typer.Option(
        "--skip/--no-skip",
        help="Let the inputs act on the output directly too, or not; seen to by itself if not given.",
    ),
]

ColumnScaling = Annotated[
    str,
    typer.Option(
        help="How columns are scaled: standard; smooth_clip, by quartiles: no far value rules; auto, some networks each way."
    ),
]
ClassWeight = Annotated[
    str | None,
    typer.Option(help="balanced: each class has the same weight in training, however rare it is."),
]


@dataclass(frozen=True)
class TrainingOptions:
    """How to train, checked before anything is read."""

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
    skip: bool | None
    scaling: str
    class_weight: str | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> TrainingOptions:
        """Return the options among the parameters of a command; parameters that are none of them are ignored."""
        values = {one.name: given[one.name] for one in fields(cls)}
        checks.one_of(values["activation"], ACTIVATIONS, "activation")
        checks.one_of(values["scaling"], dict.fromkeys(SCALINGS), "scaling")
        values["n_hidden"] = [
            checks.whole_number(one, "--n-hidden") for one in parse_numbers(values["n_hidden"])
        ]
        checks.whole_number(values["max_iter"], "--max-iter")
        values["alpha"] = parse_alpha(values["alpha"])
        if values["n_networks"] != "auto":
            n_networks = parse_numbers(values["n_networks"])[0]
            values["n_networks"] = checks.whole_number(n_networks, "--n-networks")
        return cls(**values)

    def __post_init__(self) -> None:
        if self.cv is None and isinstance(self.alpha, list):
            raise InputError("several values of alpha to choose from need --cv, such as --cv 5")
        if checks.finite_number(self.test_size, "--test-size", above=0) >= 1:
            raise InputError(
                f"--test-size is a share of the rows, between 0 and 1, such as 0.25; got {self.test_size:g}"
            )
        if checks.whole_number(self.seed, "--seed", at_least=0) >= 2**32:
            raise InputError(f"--seed must be below {2**32}; got {self.seed}")
        if self.cv is not None and self.scaling == SMOOTH_CLIP:
            raise InputError(
                "--cv searches with standardised columns: leave --scaling smooth_clip out, or --cv"
            )
        if self.cv is not None:
            checks.whole_number(self.cv, "--cv", at_least=2)
        check_device(self.engine, self.device)
        if self.class_weight not in (None, "balanced"):
            raise InputError(f"--class-weight is balanced or left out; got {self.class_weight!r}")


def parse_numbers(given: Any) -> list[Any]:
    """`10,50` or `[10, 50]` as whole numbers; what is none stays as it is, for the check that follows."""
    words = given.strip("[] ").split(",") if isinstance(given, str) else [given]
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
