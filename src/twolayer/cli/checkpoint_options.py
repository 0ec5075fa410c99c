"""What `--checkpoint`, `--every` and `--resume` ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twolayer.cli.output import Output


@dataclass(frozen=True)
class CheckpointOptions:
    """Where the training is kept as it goes, and whether to go on from there."""

    path: Path | None = None
    every: float = 60.0
    resume: bool = False

    def __post_init__(self) -> None:
        from twolayer import checks
        from twolayer.errors import InputError

        checks.finite_number(self.every, "--every", at_least=0)
        if self.resume and self.path is None:
            raise InputError("--resume needs --checkpoint FILE, the file to go on from")

    @contextmanager
    def opened(self, voice: Output) -> Iterator[None]:
        """Within it the training is kept."""
        if self.path is None:
            yield
            return
        from twolayer.training.checkpoints import checkpointed

        with checkpointed(self.path, self.every, self.resume) as file:
            if self.resume:
                voice.say(
                    f"going on from {self.path}"
                    if file.found
                    else f"there is no checkpoint {self.path} yet: starting anew"
                )
            yield
