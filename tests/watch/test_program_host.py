"""The server's answers are those of the page's own thread, which runs the program in JavaScript; and the four engines agree.

The expected answers are computed by node in the test; the errors are those of the libraries.
"""

import json
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from node_tests import run_node_test

from twolayer.tutorial.ladder import PROGRAMS, ladder_arrays
from twolayer.watch.engine_run import EngineRun, start_tables
from twolayer.watch.frames import decode_message, encode_message, pooled
from twolayer.watch.program_host import ProgramHost
from twolayer.watch.watch_settings import (
    ARRAY_LIMIT,
    AUTOGRAD_BREAKS,
    BY_HAND_BREAKS,
    SIZE_LIMITS,
    PageRequestError,
    checked_settings,
)

SMALL = {
    "problem": "random", "rows": 5, "inputs": 3, "hidden": 6, "outputs": 2, "bias": True,
    "activation": "relu", "rate": 1e-3, "seed": 4, "dtype": "float64", "breaks": [],
}  # fmt: skip
TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
ENGINES = ["numpy", *(pytest.param(name, marks=TORCH) for name in ("torch", "autograd", "custom"))]
VARIABLES = [
    "x", "y", "w1", "b1", "w2", "b2", "h", "h_relu", "y_pred", "loss", "grad_y_pred", "grad_w2",
    "grad_b2", "grad_h_relu", "grad_h", "grad_w1", "grad_b1",
]  # fmt: skip
MESSAGE = {
    "text": "ReLU 梯度",
    "odd": [math.nan, math.inf, -math.inf, 1.5, None, True],
    "none": [],
    "arrays": [
        np.array([1, math.nan]),
        np.array([0.5, 1, 2], np.float32),
        np.array([1], np.uint8),
        np.array([7, 8, 9], np.uint16),
        np.zeros(0),
    ],
    "view": np.array([2.0, 3.0]),
}


def requests_of(settings, own=None):
    """What a page asks for as it steps, runs, looks and goes back."""
    plane = {"left": -2.0, "right": 2.0, "top": 3.0, "bottom": -3.0}
    frame = {
        "kind": "frame", "want": ["matrices", "losses", "units", "plane"], "variables": VARIABLES,
        "from": 0, "reach": plane, "isClasses": settings["problem"] == "quadrants",
    }  # fmt: skip
    looks = [frame]
    for variable in VARIABLES:
        looks.append({"kind": "trace", "variable": variable, "row": 1, "column": 2})
        looks.append(
            {"kind": "cells", "variable": variable, "row": 1, "column": 0, "rows": 8, "columns": 6}
        )
    requests = [{"kind": "start", "settings": settings, **({"own": own} if own else {})}, frame]
    for by in (1, 1, 1, 1):
        requests += [{"kind": "move", "unit": "line", "by": by}, *looks]
    for place in (13, 16, 17, 40, 33):
        requests += [{"kind": "seek", "place": place}, *looks]
    for unit, by in (("step", 1), ("line", -1), ("step", -1), ("step", -1), ("line", 1)):
        requests += [{"kind": "move", "unit": unit, "by": by}, frame]
    requests.append({"kind": "arrays", "variables": ["w1", "b2", "grad_w1"], "atStart": False})
    requests.append({"kind": "arrays", "variables": ["x", "w1"], "atStart": True})
    if not settings["breaks"]:
        requests.append({"kind": "curvature"})
    if settings is SMALL:  # a long run, whose history is thinned
        requests += [{"kind": "seek", "place": 700 * 17}, frame]
    return requests


def own_table():
    rng = np.random.default_rng(1)
    x, y, new_x, new_y = (rng.standard_normal(shape) for shape in ((5, 2), (5, 1), (3, 2), (3, 1)))
    named = {"x": x, "y": y, "newX": new_x, "newY": new_y}
    return {name: {"shape": list(part.shape), "data": part.ravel()} for name, part in named.items()}


CASES = {
    "right": (SMALL, None),
    "P1": ({**SMALL, "rows": 64, "inputs": 1000, "hidden": 100, "outputs": 10, "bias": False, "rate": 1e-6}, None),
    "identity": ({**SMALL, "activation": "identity"}, None),
    "quadrants": ({**SMALL, "problem": "quadrants", "rows": 12, "inputs": 2, "outputs": 4, "rate": 1e-5}, None),
    "own": ({**SMALL, "problem": "own", "inputs": 2, "outputs": 1}, own_table()),
    **{name: ({**SMALL, "breaks": [name]}, None) for name in BY_HAND_BREAKS},
    "diverging": ({**SMALL, "rate": 1.0}, None),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("host")
    requests = [requests_of(settings, own) for settings, own in CASES.values()]
    (folder / "requests").write_bytes(encode_message(requests))
    (folder / "from_python").write_bytes(encode_message(MESSAGE))
    run_node_test(Path(__file__).with_name("program_host.test.mjs"), folder)
    return folder


def assert_same(answer, expected, place):
    """The same names and texts, and the same numbers but for rounding."""
    if isinstance(expected, dict):
        assert isinstance(answer, dict), place
        for name, part in expected.items():
            if name == "cellsOf":  # which the page does not read
                continue
            assert name in answer, f"{place}/{name}"
            assert_same(answer[name], part, f"{place}/{name}")
    elif (
        isinstance(expected, (list, tuple, np.ndarray))
        and len(expected)
        and all(map(_is_number, expected))
    ):
        np.testing.assert_allclose(answer, expected, rtol=1e-6, atol=1e-12, err_msg=place)
    elif isinstance(expected, (list, tuple, np.ndarray)):
        assert len(answer) == len(expected), place
        for k, (one, other) in enumerate(zip(answer, expected, strict=True)):
            assert_same(one, other, f"{place}/{k}")
    elif _is_number(expected):
        assert answer == pytest.approx(expected, rel=1e-6, abs=1e-12, nan_ok=True), place
    else:
        assert answer == expected, place


def _is_number(value):
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


@pytest.mark.parametrize("name", CASES)
def test_the_answers_are_those_of_the_pages_own_thread(folder, name):
    settings, own = CASES[name]
    expected = decode_message((folder / "answers").read_bytes())[list(CASES).index(name)]
    host = ProgramHost()
    for request, wanted in zip(requests_of(settings, own), expected, strict=True):
        kind = request["kind"]
        answer = host.answer(kind, decode_message(encode_message(request)))
        answer = decode_message(encode_message(answer))
        if kind == "start":
            for line, other in zip(answer["lines"], wanted["lines"], strict=True):
                for part in ("code", "part", "changed", "removed"):
                    assert line[part] == other[part]
            assert [line["code"] for line in answer["setup"]] == [
                line["code"] for line in wanted["setup"]
            ]
        elif kind == "curvature":
            assert answer["curvature"] == pytest.approx(wanted["curvature"], rel=0.02)
        else:
            for frame in (answer, wanted) if "unseen" in (wanted or {}) else ():
                frame["unseen"] = {str(step): loss for step, loss in frame["unseen"]}
            assert_same(answer, wanted, f"{kind} {request.get('variable')} at {host.run.place}")


@pytest.mark.parametrize("program", ["P1", "P3", "P4"])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_has_the_ladders_losses(engine, program):
    ladder = PROGRAMS[program]
    settings = (
        checked_settings(
            {
                "problem": ladder.problem,
                "bias": ladder.bias,
                "hidden": ladder.n_hidden,
                "rows": ladder.n_rows,
                "inputs": ladder.n_inputs,
                "outputs": ladder.n_outputs,
                "activation": ladder.activation,
                "rate": ladder.learning_rate,
                "engine": engine,
            }
        )
        if (engine, program) != ("custom", "P4")
        else pytest.skip("the function of our own is the rectifier")
    )
    arrays = ladder_arrays(ladder)
    start = start_tables(settings).arrays
    for name, array in {"x": arrays.x, "y": arrays.y, **dict(arrays.params.items())}.items():
        assert (start[name] == array).all()
    run, plain = (
        EngineRun(settings),
        EngineRun(checked_settings({**vars(settings), "engine": "numpy"})),
    )
    for _ in range(20):
        run.run_step()
        plain.run_step()
    np.testing.assert_allclose(run.history.losses, plain.history.losses, rtol=1e-10)
    for name in VARIABLES:
        if plain.array(name) is not None and name != "loss":
            one, other = run.array(name), plain.array(name)
            if (
                name.startswith("grad_")
                and name[5:] in run.weights
                and engine in ("autograd", "custom")
            ):
                assert not one.any()  # cleared after the update
            else:
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-9 * np.abs(other).max())


@TORCH
def test_gradients_of_autograd_are_those_by_hand_before_they_are_cleared():
    runs = [EngineRun(checked_settings({**SMALL, "engine": name})) for name in ("numpy", "custom")]
    for run in runs:
        while run.run_line().id not in ("grad_b1", "backward"):
            pass
    for name in VARIABLES:
        one, other = (run.array(name) for run in runs)
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


TORCH_ERRORS = {
    "rebind": ("TypeError", "NoneType", "leaf"),
    "rebind_no_grad": ("RuntimeError", "does not require grad", ""),
    "recorded": ("RuntimeError", "leaf Variable", ""),
}


@TORCH
@pytest.mark.parametrize("name", AUTOGRAD_BREAKS)
def test_the_traps_of_autograd_end_in_torchs_own_words(name):
    host = ProgramHost()
    host.answer(
        "start", {"settings": {**SMALL, "engine": "autograd", "breaks": [name], "outputs": 1}}
    )
    for _ in range(3):
        host.answer("move", {"unit": "step", "by": 1})
    stopped = host.answer("frame", {"variables": []})["stopped"]
    if name in TORCH_ERRORS:
        kind, *words = TORCH_ERRORS[name]
        assert stopped["type"] == kind
        assert all(word in stopped["message"] for word in words)
        found = host.answer("frame", {"variables": ["grad_w1"]})
        assert found["found"] is None  # every number is right until the program stops
        assert found["ages"]["grad_w1"] == (
            "none" if name == "rebind" else "now" if name == "recorded" else "before"
        )
        host.answer("seek", {"place": 3})
        assert host.answer("frame", {"variables": []})["stopped"] is None
    else:
        assert stopped is None


@TORCH
def test_gradients_that_are_not_cleared_add_up():
    runs = [
        EngineRun(checked_settings({**SMALL, "engine": engine, "breaks": breaks}))
        for engine, breaks in (("autograd", ["not_cleared"]), ("numpy", ["accumulate"]))
    ]
    for run in runs:
        for _ in range(6):
            run.run_step()
        run.seek(3 * len(run.lines) + 2)
    assert runs[0].history.losses == pytest.approx(runs[1].history.losses, rel=1e-10)


@TORCH
def test_two_engines_side_by_side_part_in_rounding_only():
    host = ProgramHost()
    one, other = ({**SMALL, "engine": engine} for engine in ("numpy", "torch"))
    host.answer(
        "job",
        {
            "name": "comparison",
            "round": 7,
            "one": one,
            "other": {**other, "dtype": "float32"},
            "steps": 20,
        },
    )
    while host.turn() is not None:
        pass
    result = host.results
    assert (result["job"], result["round"]) == ("comparison", 7)
    value = result["value"]
    assert value["finished"]
    assert value["steps"] == 20
    assert value["first"]["variable"] == "x"  # in float32
    assert value["parted"] is None


def test_the_limits_are_those_of_the_page(folder):
    limits = json.loads((folder / "limits.json").read_text())
    assert {name: most for name, (_, most) in limits["LIMITS"].items()} == SIZE_LIMITS
    assert limits["MOST_NUMBERS"] == ARRAY_LIMIT


def test_messages_pass_both_ways(folder):
    assert_same(decode_message((folder / "message").read_bytes()), MESSAGE, "message")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"abc",
        b"\xff\xff\xff\xff{",
        b"\x02\x00\x00\x00[",
        b'\x08\x00\x00\x00{"a": {"$array": [1]}}',
        b"\x03\x00\x00\x00abc",
    ],
)
def test_what_is_no_message_is_said_to_be_none(data):
    with pytest.raises(ValueError, match=r"."):
        decode_message(data)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"rows": 0}, "rows must be a whole number from 1 to 2000; got 0"),
        ({"rows": 2001}, "1 to 2000"),
        ({"hidden": 1.5}, "hidden"),
        ({"inputs": "import os"}, "import os"),
        ({"inputs": True}, "inputs"),
        ({"rows": 2000, "inputs": 5000}, "10,000,000 numbers is too large"),
        ({"rate": math.nan}, "above 0; got nan"),
        ({"rate": 0}, "above 0"),
        ({"rate": "1e-6"}, "learning rate"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**60}, "seed"),
        ({"activation": "__import__"}, "activation must be one of"),
        ({"engine": "os.system"}, "engine must be one of"),
        ({"breaks": ["rebind"]}, "rebind"),
        ({"engine": "autograd", "breaks": ["mask"]}, "mask"),
        ({"problem": "own"}, "table"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_refused_in_both_languages(changed, words):
    with pytest.raises(PageRequestError, match=words) as refused:
        ProgramHost().answer("start", {"settings": {**SMALL, **changed}})
    assert refused.value.text.zh != refused.value.text.en


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        ("__init__", {}),
        ("next_line", {}),
        (None, {}),
        ("seek", {"place": 10**12}),
        ("seek", {"place": "3"}),
        ("move", {}),
        ("go", {"speed": None}),
        ("cells", {"variable": "w1"}),
        ("job", {"name": "os"}),
        ("frame", {"want": 3}),
        ("start", {}),
    ],
)
def test_requests_that_cannot_be_answered_are_refused(kind, request_):
    with pytest.raises(PageRequestError):
        ProgramHost().answer(kind, request_)


@pytest.mark.parametrize("name", ["np", "__builtins__", "learning_rate", "torch", 3])
def test_only_the_programs_arrays_can_be_looked_at(name):
    host = ProgramHost()
    window = {"row": 0, "column": 0, "rows": 2, "columns": 2}
    assert host.answer("cells", {"variable": name, **window}) is None
    assert host.answer("trace", {"variable": name, **window}) == {"age": "none"}
    assert host.answer("arrays", {"variables": [name]}) == {}


@pytest.mark.parametrize(
    "own",
    [
        None,
        {},
        {"x": {"shape": [2, 2], "data": np.zeros(3)}, "y": {"shape": [2, 1], "data": np.zeros(2)}},
        {
            "x": {"shape": [5, 2], "data": np.full(10, np.nan)},
            "y": {"shape": [5, 1], "data": np.zeros(5)},
        },
        {"x": {"shape": [4, 2], "data": np.zeros(8)}, "y": {"shape": [4, 1], "data": np.zeros(4)}},
    ],
)
def test_a_table_that_does_not_fit_is_refused(own):
    settings = {**SMALL, "problem": "own", "inputs": 2, "outputs": 1}
    with pytest.raises(PageRequestError, match="table"):
        ProgramHost().answer("start", {"settings": settings, "own": own})


def test_a_pooled_matrix_has_the_largest_entries_of_its_blocks():
    rng = np.random.default_rng(0)
    array = rng.standard_normal((300, 401))
    array[7, 9], array[299, 400] = np.nan, -np.inf
    found = pooled(array)
    assert (found["tall"], found["wide"], found["bad"]) == (3, 3, 2)
    values = found["values"].reshape(found["rows"], found["columns"])
    for row, column in np.ndindex(values.shape):
        block = array[3 * row : 3 * row + 3, 3 * column : 3 * column + 3].ravel()
        if np.isnan(block).any():
            assert np.isnan(values[row, column])
        else:
            assert values[row, column] == np.float32(block[np.abs(block).argmax()])
