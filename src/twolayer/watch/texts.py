"""The tutorial's texts for the page: each line of the program in each engine, its variables, and the usual mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import init_params
from twolayer.tutorial.bilingual import Bilingual
from twolayer.tutorial.explain.program import setup_lines
from twolayer.tutorial.explain.program_text import PARTS
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.source import SourceLine
from twolayer.tutorial.source.mistakes import MISTAKES
from twolayer.tutorial.source.program import program_lines
from twolayer.tutorial.source.reasons import line_id, line_reason
from twolayer.tutorial.source.torch_program import (
    IN_TORCH,
    OWN_FUNCTION,
    autograd_lines,
    tensor_lines,
    torch_line,
)
from twolayer.tutorial.source.variables import variable_meanings

ENGINE_TITLES = {
    "numpy": Bilingual(en="NumPy by hand", zh="NumPy 手写"),
    "torch": Bilingual(en="PyTorch by hand", zh="PyTorch 手写"),
    "autograd": Bilingual(en="PyTorch autograd", zh="PyTorch 自动求导"),
    "custom": Bilingual(en="autograd function of our own", zh="自定义求导函数"),
}
WATCHED_ACTIVATIONS = ("relu", "identity")


def page_texts() -> dict[str, Any]:
    """Return all texts of the page that are the tutorial's, for JSON.

    Returns
    -------
    texts : dict
        "engines": by name its title; "lines", by their short name (`line_id`): part, code, what the line does and why
        (each in "en" and "zh"), and its equation; and "order", for each activation the short names in the order in
        which they run. "biased": the lines that a program without biases leaves out. "opens": the lines by hand that
        stand beside `backward`. "in_torch": what to replace in a line of NumPy by what. "variables", "parts",
        "mistakes": by name.
    """
    by_hand = [line for line in step_lines("relu", bias=True) if line.part == "backward"]
    return {
        "engines": {name: engine_text(name) for name in ENGINE_TITLES},
        "biased": biased_lines(),
        "opens": {"backward": names_of(by_hand)},
        "in_torch": [list(pair) for pair in IN_TORCH],
        "variables": {name: both(meaning) for name, meaning in variable_meanings().items()},
        "parts": {name: both(title) for name, title in PARTS.items()},
        "mistakes": {
            name: {"line": mistake.line, "title": both(mistake.title), "why": both(mistake.why)}
            for name, mistake in MISTAKES.items()
        },
    }


def engine_text(engine: str) -> dict[str, Any]:
    """Return an engine's title, its lines, and their order with each activation that it has."""
    programs = {
        activation: program_of(engine, activation, bias=True)
        for activation in WATCHED_ACTIVATIONS
        if engine != "custom" or activation == "relu"
    }
    return {
        "title": both(ENGINE_TITLES[engine]),
        "lines": {
            line_id(line.code, line.part): line_text(line)
            for lines in programs.values()
            for line in lines
        },
        "order": {activation: names_of(lines) for activation, lines in programs.items()},
    }


def biased_lines() -> list[str]:
    """Return the short names of the lines that only a program with biases has."""
    return [
        name
        for name in dict.fromkeys(
            name for engine in ENGINE_TITLES for name in names_of(program_of(engine, "relu", True))
        )
        if not any(name in names_of(program_of(e, "relu", False)) for e in ENGINE_TITLES)
    ]


def names_of(lines: list[SourceLine]) -> list[str]:
    """Return the short names of lines."""
    return [line_id(line.code, line.part) for line in lines]


def both(text: Bilingual) -> dict[str, str]:
    """Return a text in both languages, for JSON."""
    return text._asdict()


def line_text(line: SourceLine) -> dict[str, Any]:
    """Return a line of the program with its sentences, for JSON."""
    return {
        "part": line.part,
        "code": line.code,
        "what": {"en": line.en, "zh": line.zh},
        "why": both(line_reason(line_id(line.code, line.part))),
        "equation": line.equation,
    }


def program_of(engine: str, activation: str, bias: bool) -> list[SourceLine]:
    """Return the lines of an engine's program: those of the setup, and one step."""
    steps = step_lines(activation, bias)
    start = setup_lines(LadderProgram(bias=bias))
    weights = [line.code.split()[0] for line in steps if line.part == "update"]
    tensors = [*start, *tensor_lines(weights, requires_grad=engine != "torch")]
    if engine == "numpy":
        return [*start, *steps]
    if engine == "torch":
        return [*tensors, *map(torch_line, steps)]
    if engine == "custom":
        return [*tensors, *OWN_FUNCTION, *autograd_lines(steps, own_function=True)]
    return [*tensors, *autograd_lines(steps)]


def step_lines(activation: str, bias: bool) -> list[SourceLine]:
    """Return one step of the NumPy program, as `twolayer explain` shows it."""
    params = init_params(1, 1, 1, bias=bias)
    return program_lines(
        LOSSES["sum_of_squares"],
        ACTIVATIONS[activation],
        params,
        np.zeros((1, 1)),
        weighted=False,
        decays=False,
    )
