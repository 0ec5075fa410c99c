"""The picture of a fit, drawn by a second process: loading matplotlib takes a second, in which this one reads and trains."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from types import TracebackType
from typing import Any

import numpy as np

from twolayer import plots

CODE = """
import io, sys
import matplotlib.figure, numpy
from twolayer import plots
title = sys.stdin.buffer.readline().decode().strip()
losses = numpy.load(io.BytesIO(sys.stdin.buffer.read()))
sys.stdout.buffer.write(plots.png(plots.loss_curve(losses, title=title, xlabel=plots.PASS_LABEL).figure))
"""


def processors() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class Painter:
    """Draws the loss of a fit; within `with`, matplotlib is loaded beside whatever else is done.

    Where it is loaded already, or this process drew before, or a second processor is missing, or the second process fails,
    this process draws.
    """

    drew = False

    def __init__(self) -> None:
        self.helper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Painter:
        if "matplotlib.figure" not in sys.modules and not Painter.drew and processors() > 1:
            Painter.drew = True
            pipe = subprocess.PIPE
            self.helper = subprocess.Popen(
                [sys.executable, "-P", "-c", CODE],
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.DEVNULL,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.helper is not None:
            self.helper.kill()
            self.helper.communicate()

    def loss_curve(self, losses: Any, title: str) -> bytes:
        """The picture as the contents of a PNG file."""
        if self.helper is not None:
            told = io.BytesIO()
            np.save(told, losses, allow_pickle=False)
            line = " ".join(title.split()).encode() + b"\n"
            drawn, _ = self.helper.communicate(line + told.getvalue())
            if self.helper.returncode == 0:
                return drawn
        return plots.png(plots.loss_curve(losses, title=title, xlabel=plots.PASS_LABEL).figure)
