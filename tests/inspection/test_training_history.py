"""The gradients that a callback may ask for, and the course of a training made of them."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose
from small_problems import small_problem
from training_runs import ready

import twolayer as tl
from twolayer import plots
from twolayer.errors import InputError
from twolayer.inspection.training_history import TrainingHistory
from twolayer.training.loop import Progress

RATE = 1e-3


def seen_by(x, y, params, **settings):
    """Weights and gradients before every step but the first."""
    weights, gradients = [], []

    def look(progress):
        weights.append(progress.params())
        gradients.append(progress.gradients())

    tl.train(x, y, params, learning_rate=RATE, callback=look, callback_every=1, **settings)
    return weights, gradients


@pytest.mark.parametrize("engine", ready("numpy", "compiled", "torch"))
@pytest.mark.parametrize("span", [False, True])
def test_a_step_of_gradient_descent_is_the_rate_times_the_gradients(engine, span):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31)
    s = np.linspace(0.5, 2, 9)
    weights, gradients = seen_by(
        x, y, params, steps=6, alpha=0.7, engine=engine, span=span, sample_weight=s
    )
    for before, g, after in zip(weights, gradients, weights[1:], strict=False):
        for (name, w), (_, moved) in zip(before.items(), after.items(), strict=True):
            expected = (w - moved) / RATE
            assert_allclose(getattr(g, name), expected, rtol=1e-6, atol=1e-7, err_msg=name)


def test_the_gradients_of_several_networks_are_over_all_rows_without_dropout():
    x, y, params, _ = small_problem()
    three = tl.Params.stack([params, params.map(lambda w: 2 * w), params.map(lambda w: -w)])
    settings = {"steps": 3, "dropout": 0.5, "batch_size": 3, "random_state": 0, "engine": "numpy"}
    weights, gradients = seen_by(x, y, three, **settings)
    for now, g in zip(weights, gradients, strict=True):
        for k in range(3):
            _, expected = tl.loss_and_gradients(x, y, now.network(k))
            for name, one in expected.items():
                assert_allclose(getattr(g, name)[k], one, rtol=1e-10, err_msg=name)


SHAPES = [(2, 1), (1, 1), (1, 1), (1, 1)]  # five weights in all


def told(step, w, g, before):
    """What a training of two networks tells a callback; all arrays hold one number; `before`, the step of the call before."""

    def whole(numbers):
        return tl.Params(*(np.full((2, *shape), 0.0) + column(numbers) for shape in SHAPES))

    def column(numbers):
        return np.reshape(numbers, (2, 1, 1))

    return Progress(step, 999, np.zeros((step, 2)), 0.0, lambda: whole(w), lambda: whole(g), before)


def steps_and_those_before(*trainings):
    """The steps at which the trainings call back, one after another, each with that of the call before."""
    return [pair for steps in trainings for pair in zip(steps, (0, *steps[:-1]), strict=True)]


def test_lengths_are_of_all_weights_and_movement_is_by_the_step():
    course = TrainingHistory()
    course(told(5, [1, 1], [2, -4], before=0))
    course(told(10, [1, 6], [0, 1], before=5))
    seen = course.table()
    assert seen["steps"].tolist() == [5, 10]
    assert_allclose(seen["gradient_norms"], np.sqrt(5) * np.array([[2, 4], [0, 1]]))
    assert_allclose(seen["update_sizes"], np.sqrt(5) * np.array([[np.nan, np.nan], [0, 1]]))


def test_looks_come_less_often_with_time():
    course = TrainingHistory()
    for step, before in steps_and_those_before(range(5, 101, 5)):
        course(told(step, [0, 0], [0, 0], before))
    assert course.table()["steps"].tolist() == [5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 90]


def test_networks_one_after_another_stand_side_by_side():
    course = TrainingHistory()
    steps = steps_and_those_before((5, 10, 15), (5, 10), (5,))
    for step, before in steps:
        course(told(step, [step, 2 * step], [step, 1], before))
    seen, nan = course.table(), np.nan
    assert seen["steps"].tolist() == [5, 10, 15]
    expected = [[5, 1, 5, 1, 5, 1], [10, 1, 10, 1, nan, nan], [15, 1, nan, nan, nan, nan]]
    assert_allclose(seen["gradient_norms"], np.sqrt(5) * np.array(expected))
    last = course.table(n_networks=2)
    assert_allclose(last["gradient_norms"], np.sqrt(5) * np.array([[5, 1], [nan, nan], [nan, nan]]))
    first = TrainingHistory(max_trainings=1)
    for step, before in steps:
        first(told(step, [step, 2 * step], [step, 1], before))
    assert_allclose(first.table()["gradient_norms"], seen["gradient_norms"][:, :2])
    assert TrainingHistory().table()["gradient_norms"].shape == (0, 0)


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_an_estimator_asks_for_looks_and_gives_the_same_model(solver):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 5))
    y = np.sin(x[:, 0]) + 0.1 * rng.standard_normal(60)
    settings = {"alpha": 0.1, "solver": solver, "max_iter": 40, "tol": 0, "random_state": 0}
    if solver == "gd":
        settings |= {"batch_size": 20, "learning_rate_init": 0.01}
    course = TrainingHistory()
    looked = tl.TwoLayerRegressor(8, n_networks=2, callback=course, **settings).fit(x, y)
    alone = tl.TwoLayerRegressor(8, n_networks=2, **settings).fit(x, y)
    assert np.array_equal(looked.w1_, alone.w1_)
    seen = course.table()
    passes = 3 if solver == "gd" else 1
    assert seen["steps"].tolist() == [passes * k for k in (5, 10, 15, 20, 25, 30, 40)]
    assert seen["gradient_norms"].shape == (7, 2)
    assert (seen["gradient_norms"] > 0).all()
    assert np.isnan(seen["update_sizes"][0]).all()
    assert (seen["update_sizes"][1:] > 0).all()


def test_a_network_that_ends_before_the_first_look_at_the_next_stands_by_itself():
    course = TrainingHistory()
    for step, before in steps_and_those_before((3,), (5, 7)):
        course(told(step, [step, step], [step, 1], before))
    assert course.table()["gradient_norms"].shape == (2, 4)


def test_a_checkpoint_keeps_it():
    whole, first, second = TrainingHistory(), TrainingHistory(), TrainingHistory()
    for k, (step, before) in enumerate(steps_and_those_before((5, 10, 15), (5, 10, 15))):
        whole(told(step, [k, k], [1, k], before))
        (first if k < 2 else second)(told(step, [k, k], [1, k], before))
        if k == 1:
            second.load_state_dict(first.state_dict())
    for name, expected in whole.table().items():
        assert_allclose(second.table()[name], expected, err_msg=name)


def test_the_picture_stands_at_the_steps_of_the_looks():
    nan = np.nan
    ax = plots.step_sizes([[4, 8], [2, nan]], [[nan, nan], [1, nan]], at=[5, 50])
    *_, gradient = [line for line in ax.get_lines() if "gradient" in line.get_label()]
    assert gradient.get_xdata().tolist() == [5, 50]
    assert gradient.get_ydata().tolist() == [6, 2]
    with pytest.raises(InputError, match="one step for each of 2 records"):
        plots.step_sizes([4, 2], at=[5, 10, 15])


@pytest.mark.usefixtures("blank_pictures")
def test_fit_keeps_the_course_for_the_report(tmp_path, monkeypatch, capsys):
    from twolayer import saving
    from twolayer.cli.main import main

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 3))
    rows = np.column_stack([x, np.abs(x[:, 0]) + 0.1 * rng.standard_normal(80)])
    np.savetxt("t.csv", rows, delimiter=",", header="a,b,c,y", comments="")
    options = ["--target", "y", "--alpha", "0.1", "-q"]
    for command in (
        ["fit", "t.csv", *options],
        ["report", "t.twolayer.safetensors", "t.csv", "--out", "r", "--repeats", "1", "-q"],
    ):
        with pytest.raises(SystemExit) as left:
            main(command)
        assert not left.value.code, capsys.readouterr().err
    model, about = saving.read_model("t.twolayer.safetensors")
    course = json.loads(json.dumps(about["training"]["course"], allow_nan=False))
    assert model.n_networks_ == 5
    assert course["update_sizes"][0] == [None]
    norms = np.array(course["gradient_norms"], dtype=float)
    assert norms.shape == (len(course["steps"]), 1)
    assert np.nanmin(norms[-1]) < norms[0].min()
    assert "steps.png" in {path.name for path in (tmp_path / "r").iterdir()}
    assert "Length of gradient and update" in (tmp_path / "r" / "report.html").read_text()
