"""The program in JavaScript is one more rung of the ladder: NumPy's losses, and the lines that it shows are NumPy's."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from node_tests import run_node_test
from scipy.sparse.linalg import LinearOperator, eigsh

import twolayer as tl
from twolayer.tutorial.ladder import PROGRAMS, ladder_arrays, quadrant_of, quadrants

RUNGS = {
    "P1": PROGRAMS["P1"],
    "P3": PROGRAMS["P3"],
    "P4": PROGRAMS["P4"],
    "P4relu": replace(PROGRAMS["P4"], activation="relu"),
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The programs that the tests in JavaScript ran, after they passed."""
    folder = tmp_path_factory.mktemp("numbers")
    losses = {}
    for name, program in RUNGS.items():
        arrays = ladder_arrays(program)
        run = tl.train(arrays.x, arrays.y, arrays.params, **program.training(), engine="numpy")
        losses[name] = run.losses.tolist()
    (folder / "losses.json").write_text(json.dumps(losses))
    run_node_test(Path(__file__).with_name("network.test.mjs"), folder)
    return json.loads((folder / "programs.json").read_text())


def run_by_numpy(program, steps=4):
    """The losses of the lines that the page shows, and NumPy's error if they stop."""
    names, losses = {}, []
    x, _ = quadrants()
    exec("import numpy as np", names)
    names |= {"points": x, "quadrant": quadrant_of(x)}
    exec("\n".join(program["setup"]), names)
    if "accumulate" in program["breaks"]:
        names |= {f"grad_{name}": np.zeros_like(names[name]) for name in ("w1", "w2", "b1", "b2")}
    try:
        for _ in range(steps):
            for line in program["lines"]:
                exec(line, names)
                if line.startswith("loss ="):
                    losses.append(float(names["loss"]))
    except ValueError as error:
        return losses, {"type": "ValueError", "message": str(error)}
    return losses, None


def test_the_lines_that_are_shown_are_the_lines_that_run(programs):
    for program in programs:
        losses, stopped = run_by_numpy(program)
        assert program["stopped"] == stopped, program["breaks"]
        np.testing.assert_allclose(program["losses"], losses, rtol=1e-12, err_msg=program["breaks"])


def hessian(gradient, start, nudge=1e-5):
    """The matrix of second derivatives, by central differences of the gradient."""
    sides = [[gradient(start + s * nudge * unit) for s in (1, -1)] for unit in np.eye(len(start))]
    return np.array([(up - down) / (2 * nudge) for up, down in sides])


def test_the_largest_curvature_is_the_hessians(programs):
    for program in programs[:2]:
        names = {}
        exec("\n".join(program["setup"]), names)
        shapes = [names[name].shape for name in ("w1", "b1", "w2", "b2")]
        start = np.concatenate([names[name].ravel() for name in ("w1", "b1", "w2", "b2")])
        ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]

        def gradient(flat, names=names, ends=ends, shapes=shapes, program=program):
            parts = [
                part.reshape(shape)
                for part, shape in zip(np.split(flat, ends), shapes, strict=True)
            ]
            params = tl.Params(*parts)
            found = tl.loss_and_gradients(
                names["x"], names["y"], params, activation=program["activation"]
            )[1]
            return np.concatenate([found.w1.ravel(), found.b1, found.w2.ravel(), found.b2])

        largest = np.linalg.eigvalsh(hessian(gradient, start)).max()
        assert program["curvature"] == pytest.approx(largest, rel=1e-4)


def test_the_largest_curvature_of_the_tutorials_program(programs):
    x, y, params = (getattr(ladder_arrays(PROGRAMS["P1"]), name) for name in ("x", "y", "params"))
    w1, w2 = params.w1, params.w2
    on = x @ w1 >= 0
    h_relu = (x @ w1) * on
    grad_y_pred = 2 * (h_relu @ w2 - y)

    def product(flat):
        """The Hessian times a direction, written out for the rectifier."""
        along_w1, along_w2 = flat[: w1.size].reshape(w1.shape), flat[w1.size :].reshape(w2.shape)
        along_h = (x @ along_w1) * on
        along_grad = 2 * (along_h @ w2 + h_relu @ along_w2)
        back = (along_grad @ w2.T + grad_y_pred @ along_w2.T) * on
        second = along_h.T @ grad_y_pred + h_relu.T @ along_grad
        return np.concatenate([(x.T @ back).ravel(), second.ravel()])

    size = w1.size + w2.size
    hessian = LinearOperator((size, size), matvec=product, dtype=np.float64)
    (largest,) = eigsh(hessian, k=1, which="LA", return_eigenvectors=False, tol=1e-8)
    assert programs[-1]["curvature"] == pytest.approx(largest, rel=1e-4)
