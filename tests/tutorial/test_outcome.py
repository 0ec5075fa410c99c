"""What the program's page says below the loop: what happened, why, and beside what; computed here once more with NumPy."""

import re
from dataclasses import replace

import numpy as np
import pytest
from explain_pages import SMALL, arrays, flat, numpy_run, read

from twolayer.tutorial.explain.program import explain_program
from twolayer.tutorial.ladder import PROGRAMS, LadderProgram

TUTORIAL = LadderProgram()


def loop_page(program, lang="en"):
    return flat(read(explain_program, program, part="loop", lang=lang))


@pytest.fixture(scope="module")
def stuck():
    """Rate 2e-6: units die, and the loss stays near that of predicting 0."""
    program = replace(TUTORIAL, learning_rate=2e-6)
    x, y, params = arrays(program)
    losses, w1, *_ = numpy_run(x, y, params, 2e-6, 500)
    return program, losses, int((x @ w1 < 0).all(0).sum()), (y**2).sum()


def test_a_stuck_run_is_no_success(stuck):
    program, losses, dead, zero = stuck
    assert losses[-1] > zero / 2
    assert dead > 0
    page = loop_page(program)
    assert "better and better" not in page
    assert f"it stopped falling near {zero:.6g}, the loss of predicting 0" in page
    assert re.search(r"\d+ of 100 hidden units are dead", page)
    rate = float(re.search(r"Try --learning-rate (\S+):", page)[1])
    x, y, params = arrays(program)
    tried, w1, *_ = numpy_run(x, y, params, rate, 500)
    assert tried[-1] < zero / 2
    assert not (x @ w1 < 0).all(0).any()
    assert "这不算成功" in loop_page(program, "zh")


def test_a_run_that_rose_first_says_why():
    """At 1e-6 the loss rises within the first steps; 2/λ at the start is below the rate."""
    x, y, params = arrays(TUTORIAL)
    losses = numpy_run(x, y, params, 1e-6, 20)[0]
    step = int(losses.argmax())
    assert step > 0
    page = loop_page(TUTORIAL)
    assert f"at step {step} it was {losses[step]:.10g}." in page
    assert re.search(r"2/λ = (8\.\d+e-07) goes so far past", page)
    assert "better and better" in page


def test_a_run_that_fell_at_every_step_says_nothing_of_the_bound():
    page = loop_page(PROGRAMS["P2"])
    assert "λ" not in page
    assert "It was still falling at the end" in page


def test_the_losses_beside_it_are_those_of_predicting_0_and_of_new_rows():
    x, y, params = arrays(SMALL)
    _, w1, _, w2, _ = numpy_run(x, y, params, 1e-3, SMALL.steps)
    rng = np.random.default_rng([0, 1])
    x_new, y_new = rng.standard_normal((6, 5)), rng.standard_normal((6, 2))

    def loss(x, y, w1, w2):
        return f"{((np.maximum(x @ w1, 0) @ w2 - y) ** 2).sum():.6g}"

    page = loop_page(SMALL)
    figures = f"{loss(x, y, params.w1, params.w2)} {loss(x, y, w1, w2)} {(y**2).sum():.6g}"
    assert f"training rows (6) {figures}" in page
    figures = f"{loss(x_new, y_new, params.w1, params.w2)} {loss(x_new, y_new, w1, w2)} {(y_new**2).sum():.6g}"
    assert f"new rows (6) {figures}" in page


def test_a_run_that_diverged_names_a_rate_that_was_tried():
    program = replace(TUTORIAL, learning_rate=1e-5, steps=60)
    page = loop_page(program)
    assert "no longer a finite number" in page
    rate = float(re.search(r"Try --learning-rate (\S+):", page)[1])
    losses = numpy_run(*arrays(program), rate, 60)[0]
    assert losses[-1] < losses[0]
    assert rate != 1e-6 or numpy_run(*arrays(program), 2e-6, 60)[0][-1] > 0


@pytest.mark.parametrize("activation", ["identity", "relu"])
def test_the_quadrants_show_the_true_one_and_how_many_are_right(activation):
    program = replace(PROGRAMS["P4"], activation=activation)
    page = loop_page(program)
    answers = re.findall(r"\((-?\d+), (-?\d+)\) (\d) (\d)", page)
    assert len(answers) == 4
    for a, b, _, true in answers:
        right, up = int(a) > 0, int(b) > 0
        assert int(true) == {(1, 1): 1, (0, 1): 2, (0, 0): 3, (1, 0): 4}[right, up]
    right = sum(answer == true for *_, answer, true in answers)
    assert f"for {right} of 4 new rows" in page


# Single lines


def test_identity_with_bias_is_linear_with_a_constant():
    program = replace(SMALL, activation="identity", bias=True)
    page = flat(read(explain_program, program))
    assert "y_pred = x·(w1·w2) + (b1·w2 + b2)" in page
    x, _, p = arrays(program)
    np.testing.assert_allclose(
        (x @ p.w1 + p.b1) @ p.w2 + p.b2, x @ (p.w1 @ p.w2) + (p.b1 @ p.w2 + p.b2)
    )
    assert "b1·w2" not in flat(read(explain_program, replace(SMALL, activation="identity")))


def test_under_leaky_relu_the_line_shown_without_copy_is_the_one_that_ran():
    page = flat(read(explain_program, replace(SMALL, activation="leaky_relu")))
    assert "grad_h = grad_h_relu grad_h[h < 0] *= 0.01" in page
    assert "grad_h[h < 0] = 0" not in page


def test_an_activation_is_not_a_change_but_a_range():
    x, _, params = arrays(SMALL)
    h_relu = np.tanh(x @ params.w1)
    page = flat(read(explain_program, replace(SMALL, activation="tanh")))
    said = f"42 of 42 entries of h_relu differ from those of h; they lie between {h_relu.min():.6g} and {h_relu.max():.6g}."
    assert said in page
