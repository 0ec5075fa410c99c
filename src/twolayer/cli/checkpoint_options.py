"""The options `--checkpoint`, `--every` and `--resume`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from twolayer import checks
from twolayer.cli.output import Output
from twolayer.errors import InputError
from twolayer.training.checkpoints import DEFAULT_INTERVAL, checkpointed

CheckpointPath = Annotated[
    Path | None,
    typer.Option(help="A file to keep the training in as it goes, in case it is killed."),
]
CheckpointInterval = Annotated[
    float, typer.Option(help="Seconds from one writing of the checkpoint to the next.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on from the checkpoint, if it is there.")
]


@dataclass(frozen=True)
class CheckpointOptions:
    """The file of the checkpoint, how often it is written, and whether training goes on from it."""

    path: Path | None = None
    every: float = DEFAULT_INTERVAL
    resume: bool = False

    def __post_init__(self) -> None:
        checks.finite_number(self.every, "--every", at_least=0)
        if self.resume and self.path is None:
            raise InputError("--resume needs --checkpoint FILE, the file to go on from")

    @contextmanager
    def opened(self, output: Output) -> Iterator[None]:
        """Store every training within it in the checkpoint."""
        if self.path is None:
            yield
            return
        with checkpointed(self.path, self.every, self.resume) as file:
            if self.resume:
                output.say(
                    f"training goes on from {self.path}"
                    if file.existed
                    else f"there is no checkpoint {self.path} yet: training starts anew"
                )
            yield
