"""The standalone scripts: each runs as it stands, with only its own library, and they all have the same numbers.

Expected losses come from `tl.train` on the arrays of a script, rebuilt here; what a first step costs in `torch` or NumPy is
compared with the other scripts.
"""

import ast
import contextlib
import difflib
import functools
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from slow_cases import slow
from threadpoolctl import threadpool_limits

import twolayer as tl

FOLDER = Path(__file__).parents[1] / "examples" / "ladder"
SCRIPTS = sorted(FOLDER.glob("*.py"))
OF_NUMPY = {"01", "02", "03", "04", "09"}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def script(number):
    (path,) = FOLDER.glob(f"{number}_*.py")
    return path


@functools.cache
def printed(number):
    """What the script prints as it stands, on one thread, with warnings as errors; here, where loading torch takes longer."""
    if number not in OF_NUMPY:
        return ran(number)[1]
    return printed_by_a_process(number)


@functools.cache
def printed_by_a_process(number):
    """What the script prints when it is run by itself."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script(number))],
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def pairs(text):
    """The lines `t loss` as a dict."""
    return {int(t): float(loss) for t, loss in re.findall(r"^(\d+) (\S+)$", text, re.MULTILINE)}


def ran(number, **changed):
    """The variables and the output of a script run here, with some `name = value` lines changed."""
    source = script(number).read_text()
    for name, value in changed.items():
        source, found = re.subn(rf"^{name} = .*$", f"{name} = {value}", source, flags=re.MULTILINE)
        assert found == 1, f"{script(number).name} has no line '{name} = ...'"
    variables, output = {"__name__": "__main__"}, io.StringIO()
    with contextlib.redirect_stdout(output), np.printoptions():
        exec(compile(source, script(number).name, "exec"), variables)
    return variables, output.getvalue()


def numbers(bias=False, dtype="float64"):
    """The arrays of the scripts: one generator, x, y, w1, w2 and then the biases."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
    w1, w2 = rng.standard_normal((1000, 100)), rng.standard_normal((100, 10))
    b1, b2 = (rng.standard_normal(100), rng.standard_normal(10)) if bias else (None, None)
    params = tl.Params(w1, b1, w2, b2)
    return x.astype(dtype), y.astype(dtype), params.map(lambda array: array.astype(dtype))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_needs_only_its_own_library(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    own = {"numpy"} if path.name[:2] in OF_NUMPY and "09b" not in path.name else {"numpy", "torch"}
    assert imported - set(sys.stdlib_module_names) <= own


# lines that may be new in the second script: its subject, its docstring, and what they drag along
STEPS_UP = [
    ("01", "02", 3), ("01", "03", 9), ("01", "05", 21), ("05", "07", 19), ("07", "08", 18), ("07", "10", 22),
    ("10", "10b", 8),
]  # fmt: skip


@pytest.mark.parametrize(("lower", "upper", "most"), STEPS_UP)
def test_a_rung_differs_from_the_one_before_in_few_lines(lower, upper, most):
    before, after = (script(number).read_text().splitlines() for number in (lower, upper))
    new = [line for line in difflib.ndiff(before, after) if line.startswith("+ ")]
    assert 0 < len(new) <= most


@pytest.mark.parametrize(
    ("number", "bias", "learning_rate", "steps"),
    [("01", False, 1e-6, 500), ("02", False, 1e-7, 200), ("03", True, 1e-6, 500)],
)
def test_numpy_scripts_print_the_losses_of_train_to_the_last_bit(
    number, bias, learning_rate, steps
):
    x, y, params = numbers(bias)
    with threadpool_limits(1):
        run = tl.train(x, y, params, engine="numpy", learning_rate=learning_rate, steps=steps)
    assert pairs(printed(number)) == dict(enumerate(run.losses.tolist()))


def test_the_command_prints_the_first_script(capsys):
    from twolayer.cli.main import main

    with pytest.raises(SystemExit):
        main(["ladder", "--every", "1", "--engines", "numpy", "--steps", "500"])
    assert pairs(capsys.readouterr().out) == pairs(printed("01"))


@pytest.fixture(scope="module")
def quadrants_output():
    """The two halves of what 04 prints: without an activation, and with the rectifier."""
    _, identity, relu = re.split(r"^activation \w+$", printed("04"), flags=re.MULTILINE)
    return {"identity": identity, "relu": relu}


def quadrant_table():
    points = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
    x = np.array(
        [*points, *((10 * a, b) for a, b in points), *((a, 10 * b) for a, b in points)], dtype=float
    )
    return x, np.tile(np.eye(4), (3, 1))


@pytest.mark.parametrize("activation", ["identity", "relu"])
def test_quadrants_script_has_the_losses_and_answers_of_train(quadrants_output, activation):
    x, y = quadrant_table()
    found = pairs(quadrants_output[activation])
    params = tl.init_params(2, 10, 4, random_state=0)
    run = tl.train(
        x, y, params, activation=activation, learning_rate=1e-5, steps=5001, engine="numpy"
    )
    for t in (0, 1, 2, 59, 500, 5000):
        assert found[t] == pytest.approx(run.losses[t], rel=1e-9)

    at_500 = tl.train(
        x, y, params, activation=activation, learning_rate=1e-5, steps=500, engine="numpy"
    )
    new_x = np.array([[111, -111], [1, 9], [8, 1], [1, 8]])
    expected = tl.forward(new_x, at_500.params, activation).argmax(1) + 1
    answers = [
        int(n)
        for n in re.findall(r"scores .* quadrant (\d) true \d$", quadrants_output[activation], re.M)
    ]
    assert len(answers) == 3 * len(new_x)
    assert answers[:4] == expected.tolist()


def test_quadrants_are_not_done_at_500_and_why(quadrants_output):
    x, y = quadrant_table()
    design = np.column_stack([x, np.ones(12)])
    # the least squares solution from the normal equations, another way than the script's
    floor = np.square(design @ np.linalg.solve(design.T @ design, design.T @ y) - y).sum()
    assert floor == pytest.approx(6.18, abs=0.005)  # the figure of the original
    linear, rectified = (pairs(quadrants_output[name]) for name in ("identity", "relu"))
    assert linear[500] > 1.01 * floor
    assert rectified[500] > linear[500]
    assert linear[5000] == pytest.approx(floor, rel=1e-6)
    assert rectified[50_000] < floor
    assert float(printed("04").split()[-1]) == pytest.approx(floor, rel=1e-9)


def test_torch_by_hand_in_float32_as_it_stands():
    found = pairs(printed("05"))
    x, y, params = numbers(dtype="float32")
    run = tl.train(x, y, params, engine="numpy", steps=500)
    assert list(found) == list(range(500))
    np.testing.assert_allclose(list(found.values())[:100], run.losses[:100], rtol=1e-4)


def test_torch_by_hand_in_float64_has_every_loss_of_the_first_script():
    _, output = ran("05", dtype="torch.float64")
    np.testing.assert_allclose(
        list(pairs(output).values()), list(pairs(printed("01")).values()), rtol=1e-6
    )
    assert len(pairs(output)) == 500


def test_autograd_in_one_line():
    # y = w·x + b at x=1, w=2, b=3: y is 5, and its derivatives are w, x and 1
    found = re.findall(r"^(\S+) +(\S+)", printed("06"), re.MULTILINE)
    assert found == [("y", "5.0"), ("dy/dx", "2.0"), ("dy/dw", "1.0"), ("dy/db", "1.0")]


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_process_of_its_own_prints_the_same(path):
    number = path.name.split("_")[0]
    times = re.compile(r"^.*(seconds|0x|done after).*$", re.MULTILINE)
    assert times.sub("", printed_by_a_process(number)) == times.sub("", printed(number))


class TestAutogradAndUp:
    @pytest.mark.parametrize("number", ["07", *slow("08", "10", "10b")])
    def test_as_it_stands_it_gets_as_far_as_the_original(self, number):
        found = pairs(printed(number))
        assert list(found) == [1999]
        assert 1e-7 < found[1999] < 1e-5  # the original printed 1.17e-6
        assert re.search(r"^seconds \d+\.\d+$", printed(number), re.MULTILINE)

    @pytest.mark.parametrize("number", ["07", "08", "10", "10b"])
    @pytest.mark.parametrize("steps", [1, 2, 100])
    def test_in_float64_it_has_the_losses_and_weights_of_train(self, number, steps):
        variables, output = ran(number, steps=steps, dtype="torch.float64")
        x, y, params = numbers()
        run = tl.train(x, y, params, engine="numpy", steps=steps)
        assert pairs(output)[steps - 1] == pytest.approx(run.losses[-1], rel=1e-9)
        if "model" in variables:
            weights = [variables["model"][layer].weight.T for layer in (0, 2)]
        else:
            weights = [variables["w1"], variables["w2"]]
        for w, expected in zip(weights, (run.params.w1, run.params.w2), strict=True):
            np.testing.assert_allclose(w.detach().cpu().numpy(), expected, rtol=1e-8, atol=1e-10)


def test_the_rectifier_of_our_own_is_really_used():
    import torch

    variables, _ = ran("08", steps=1)
    assert type(variables["h_relu"].grad_fn).__name__ == "RectifierBackward"
    # 1 where h >= 0, at exactly 0 too: the mask of the NumPy program
    h = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    variables["Rectifier"].apply(h).sum().backward()
    assert h.grad.tolist() == [0.0, 1.0, 1.0]


def test_traps_show_their_own_errors_and_the_cures_the_right_losses():
    traps = re.split(r"^(?=Trap|Cure)", printed("07b"), flags=re.MULTILINE)[1:]
    assert [part.split(":")[0] for part in traps] == [
        "Trap 1", "Trap 2", "Trap 3", "Trap 4", "Cure 1", "Cure 2",
    ]  # fmt: skip
    assert "UserWarning: The .grad attribute of a Tensor that is not a leaf" in traps[0]
    assert "TypeError: unsupported operand" in traps[0]
    assert "RuntimeError: element 0 of tensors does not require grad" in traps[1]
    assert "RuntimeError: a leaf Variable that requires grad" in traps[2]
    assert "Error" not in "".join(traps[3:])

    x, y, params = numbers()
    losses = tl.train(x, y, params, engine="numpy", steps=31).losses
    for part, right in zip(traps, [True, True, None, False, True, True], strict=True):
        shown = [(int(t), float(v)) for t, v in re.findall(r"step (\d+): loss ([\d.]+)", part)]
        assert bool(shown) is (right is not None)
        close = [abs(value - losses[t]) < 0.1 for t, value in shown]
        assert (
            all(close) if right is not False else (close[:2] == [True] * 2 and not any(close[2:]))
        )


def test_line_by_line_runs_the_program():
    output = printed("09")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    params = tl.init_params(3, 5, 2, bias=False, random_state=rng)
    losses = tl.train(x, y, params, engine="numpy", learning_rate=0.01, steps=5).losses
    forward_only, both = output.split("The loop with both halves:")
    assert list(pairs(forward_only).values()) == pytest.approx([losses[1]] * 4)
    assert list(pairs(both).values()) == pytest.approx(losses[1:])
    cleared = re.search(r"Cleared \(row, column\): (.*)", output).group(1)
    assert cleared.count("(") == (x @ params.w1 < 0).sum()


def test_numpy_and_torch_side_by_side():
    output = printed("09b")
    table = output.split("\n\n")[0].splitlines()
    assert len(table) == 8
    assert eval(table[1].split(maxsplit=2)[2]) == [[2.5, -4.0], [-2.5, 8.0]]  # by pencil
    assert re.search(r"print\(loss\.item\(\)\) +30\.0$", output, re.MULTILINE)
    assert re.findall(r"w\.grad = (\[.*?\])", output) == ["[3.0, 3.0]", "[6.0, 6.0]", "[3.0, 3.0]"]


@pytest.mark.parametrize(
    "number",
    ["01", "02", "03", "04", "05", "06", "07", "07b", "09", "09b", *slow("08", "10", "10b")],
)
def test_output_fits_a_screen(number):
    assert max(map(len, printed(number).splitlines())) <= 100
