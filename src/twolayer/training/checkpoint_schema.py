"""The schema of a checkpoint: what its entries must be before a training goes on from them.

A forged entry would crash the process (a row order with numbers outside the table), or end in a wrong model. Each check
raises DamagedError, of which `checkpoints` makes one sentence with the name of the file. What depends on the training
(shapes, numbers of rows and of steps) is checked where the state is loaded, with the functions of this file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from twolayer.engines.contract import same_form
from twolayer.errors import InputError
from twolayer.files import DamagedError
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_params

MAX_TEXT = 1000  # letters of a message or reason
MAX_STEPS = 2**53
LARGEST_IN_GENERATOR = {"has_uint32": 1, "uinteger": 2**32 - 1, "pos": 624, "buffer_pos": 4}
BATCHES_ENTRIES = {"random", "seed", "steps", "order", "position"}
INSIDE_ENTRIES = {"losses", "engine", "batches", "callback"}
END_ENTRIES = {"params", "losses", "final_loss", "stopped", "ends_all", "batches", "callback"}
DIVERGED_ENTRIES = {"message", "step", "last_finite_loss", "params", "losses", "batches"}


def require_intact(fits: Any, what: str) -> None:
    """Raise DamagedError if an entry does not fit."""
    if not fits:
        raise DamagedError(f"its record of {what} is damaged")


def is_whole(value: Any, low: int = 0, high: int = MAX_STEPS) -> bool:
    """Return whether a value is a whole number between these, both included."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number."""
    return math.isfinite(value) if isinstance(value, float) else is_whole(value, -MAX_STEPS)


def is_plain_text(value: Any) -> bool:
    """Return whether a value is a short text that can be printed."""
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()


def has_entries(value: Any, names: set[str]) -> bool:
    """Return whether a value is a dict of exactly these entries."""
    return isinstance(value, dict) and set(value) == names


def is_array(value: Any, shape: tuple[int, ...], dtype: Any) -> bool:
    """Return whether a value is an array of this shape and dtype."""
    return isinstance(value, np.ndarray) and value.shape == shape and value.dtype == dtype


def check_calls(calls: list[Any]) -> None:
    """Raise DamagedError if the record of the calls of `train` does not have its entries."""
    for call in calls:
        require_intact(isinstance(call, dict), "a training")
        required = {"fingerprint", "ends", "inside"}
        require_intact(set(call) - {"diverged"} == required, "a training")
        groups = call["fingerprint"]
        require_intact(has_entries(groups, {"settings", "versions", "arrays"}), "the arguments")
        plain = all(isinstance(g, dict) and json_only(g) for g in groups.values())
        require_intact(plain, "the arguments")
        require_intact(isinstance(call["ends"], list), "the networks")
        for end in call["ends"]:
            require_intact(has_entries(end, END_ENTRIES), "a network")
        inside = call["inside"]
        require_intact(inside is None or has_entries(inside, INSIDE_ENTRIES), "a network")
        if "diverged" in call:
            require_intact(has_entries(call["diverged"], DIVERGED_ENTRIES), "a divergence")


def json_only(value: Any) -> bool:
    """Return whether there is no array in a value."""
    if isinstance(value, dict | list):
        return all(map(json_only, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, np.ndarray)


def check_same_form(stored: Any, like: Any, what: str) -> None:
    """Raise DamagedError if a state does not have the names, and the arrays' shapes and dtypes, of another."""
    require_intact(same_form(stored, like), what)


def check_losses(losses: Any, networks: tuple[int, ...], low: int, high: int) -> None:
    """Raise DamagedError if these are not the finite objectives of `low` to `high` steps."""
    fits = isinstance(losses, np.ndarray) and losses.ndim == 1 + len(networks)
    require_intact(fits and low <= len(losses) <= high, "the losses")
    require_intact(is_array(losses, (len(losses), *networks), np.float64), "the losses")
    require_intact(np.isfinite(losses).all(), "the losses")


def check_loop_end(end: Mapping[str, Any], like: Params, steps: int) -> None:
    """Raise DamagedError if this is not the end of a training of such weights, of at most so many steps."""
    check_same_form(end["params"], dict(like.items()), "the weights")
    require_intact(all(np.isfinite(w).all() for w in end["params"].values()), "the weights")
    networks = () if like.n_networks is None else (like.n_networks,)
    reason, final = end["stopped"], end["final_loss"]
    require_intact(isinstance(end["ends_all"], bool), "whether a callback ended all networks")
    require_intact(is_plain_text(reason) and reason != "interrupted", "why a training ended")
    least = steps if reason == "all steps taken" else min(1, steps)
    check_losses(end["losses"], networks, least, steps)
    fits = is_array(final, networks, np.float64) if networks else is_number(final)
    require_intact(fits and (not networks or np.isfinite(final).all()), "the final loss")


def check_divergence(stored: Mapping[str, Any], like: Params) -> None:
    """Raise DamagedError if this is not the divergence of a training of such weights."""
    networks = () if like.n_networks is None else (like.n_networks,)
    if networks and np.ndim(stored["losses"]) == 1:  # networks were trained one after another
        networks, like = (), like.network(0)
    check_same_form(stored["params"], dict(like.items()), "the weights")
    require_intact(is_plain_text(stored["message"]), "a divergence")
    require_intact(is_whole(stored["step"]), "a divergence")
    last = stored["last_finite_loss"]
    require_intact(last is None or is_number(last), "a divergence")
    check_losses(stored["losses"], networks, 0, MAX_STEPS)


def restored_params(arrays: Any, like: Params | None = None) -> Params:
    """Return the weights of these names; raise DamagedError if they are none, or not of the other's shapes."""
    require_intact(isinstance(arrays, dict), "the weights")
    try:
        params = checked_params(Params(**{"b1": None, "b2": None, **arrays}))
    except (InputError, TypeError):
        raise DamagedError("its record of the weights is damaged") from None
    if like is not None:
        check_same_form(arrays, dict(like.items()), "the weights")
    return params


def load_generator_state(rng: np.random.Generator, stored: Any) -> None:
    """Bring the random numbers to a stored state; raise DamagedError if it is not one of this generator.

    NumPy checks little: a position behind the end of a buffer reads outside memory, and an even increment makes random
    numbers that repeat at once.
    """
    what = "the random numbers"
    like = rng.bit_generator.state
    check_same_form(stored, like, what)
    name = stored["bit_generator"]
    require_intact(isinstance(name, str) and name == like["bit_generator"], what)
    for name, value in generator_numbers(like, stored):
        require_intact(is_whole(value, 0, LARGEST_IN_GENERATOR.get(name, 2**128 - 1)), what)
        require_intact(name != "inc" or value % 2, what)
    try:
        rng.bit_generator.state = stored
    except (ValueError, TypeError, KeyError, OverflowError):
        raise DamagedError(f"its record of {what} is damaged") from None


def generator_numbers(like: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[Any]:
    """Yield name and stored value of each entry that is a whole number in `like`."""
    for name, value in like.items():
        if isinstance(value, dict):
            yield from generator_numbers(value, stored[name])
        elif isinstance(value, int):
            yield name, stored[name]
