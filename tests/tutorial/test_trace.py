"""The line-by-line trace: what is shown is what ran, and it is the program.

Expected losses, gradients and weights come from `loss_and_gradients` and `train` on the NumPy engine, which are tested
on their own; expected counts are counted here with NumPy.
"""

import ast

import numpy as np
import pytest
from slow_cases import slow
from small_problems import targets

import twolayer as tl
from twolayer.maths.activations import ACTIVATIONS, Relu
from twolayer.maths.losses import LOSSES, SumOfSquares
from twolayer.tutorial.bilingual import Bilingual, default_language
from twolayer.tutorial.trace import VariableChange


def problem(loss="sum_of_squares", n_outputs=3, seed=0, rows=9, inputs=5, hidden=7, **kinds):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, inputs))
    params = tl.init_params(inputs, hidden, n_outputs, random_state=seed, **kinds)
    return x, targets(loss, n_outputs, rows, rng), params


def last(lines, name):
    return next(line.wrote[name] for line in reversed(lines) if name in line.wrote)


@pytest.mark.parametrize(
    ("weighted", "alpha"), [(False, 0.0), (True, 0.7), *slow((True, 0.0), (False, 0.7))]
)
@pytest.mark.parametrize("shape", ["plain", "skip", *slow("bias")])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_traced_step_is_the_programs_step(loss, activation, n_outputs, shape, alpha, weighted):
    kinds = {"bias": shape != "plain", "skip": shape == "skip"}
    if loss == "gaussian_nll":
        kinds["scheme"] = "glorot"  # of large outputs it is a large power of e
    x, y, params = problem(loss, n_outputs, **kinds)
    settings = {"loss": loss, "activation": activation, "alpha": alpha}
    if weighted:
        settings["sample_weight"] = np.linspace(0, 2, len(x))
    lines = tl.trace(x, y, params, learning_rate=0.001, **settings)
    value, gradients = tl.loss_and_gradients(x, y, params, **settings)
    run = tl.train(x, y, params, steps=1, learning_rate=0.001, engine="numpy", **settings)
    assert last(lines, "loss") == pytest.approx(value, rel=1e-15)
    assert last(lines, "loss") == pytest.approx(run.losses[0], rel=1e-15)
    for name, gradient in gradients.items():
        traced = last(lines, f"grad_{name}")
        assert traced.shape == gradient.shape
        np.testing.assert_allclose(traced, gradient, rtol=0, atol=1e-15 * np.abs(gradient).max())
    for name, weight in run.params.items():
        np.testing.assert_allclose(
            last(lines, name), weight, rtol=0, atol=1e-15 * np.abs(weight).max()
        )


def test_the_tutorials_size_to_the_last_bit():
    x, y, params = problem(rows=64, inputs=1000, hidden=100, n_outputs=10, bias=False)
    lines = tl.trace(x, y, params)
    value, gradients = tl.loss_and_gradients(x, y, params)
    assert last(lines, "loss") == value
    assert (last(lines, "grad_w1") == gradients.w1).all()
    assert (last(lines, "grad_w2") == gradients.w2).all()
    run = tl.train(x, y, params, steps=1, engine="numpy")
    assert (last(lines, "w1") == run.params.w1).all()
    assert (last(lines, "w2") == run.params.w2).all()


def test_the_lines_are_the_tutorials():
    x, y, params = problem(bias=False)
    assert [line.code for line in tl.trace(x, y, params)] == [
        "h = x.dot(w1)",
        "h_relu = np.maximum(h, 0)",
        "y_pred = h_relu.dot(w2)",
        "loss = np.square(y_pred - y).sum()",
        "grad_y_pred = 2.0 * (y_pred - y)",
        "grad_w2 = h_relu.T.dot(grad_y_pred)",
        "grad_h_relu = grad_y_pred.dot(w2.T)",
        "grad_h = grad_h_relu.copy()",
        "grad_h[h < 0] = 0",
        "grad_w1 = x.T.dot(grad_h)",
        "w1 -= learning_rate * grad_w1",
        "w2 -= learning_rate * grad_w2",
    ]


def test_the_shown_lines_typed_into_python_give_the_same_numbers():
    """The promise of the trace, checked with no machinery of ours: plain exec of the text a reader sees."""
    x, y, params = problem("log_loss", skip=True)
    lines = tl.trace(x, y, params, loss="log_loss", activation="tanh", alpha=0.3, learning_rate=0.1)
    names = {
        "np": np,
        "x": x,
        "y": y,
        "n_rows": len(x),
        "alpha": 0.3,
        "learning_rate": 0.1,
    }
    names |= {name: array.copy() for name, array in params.items()}
    exec("\n".join(line.code for line in lines), names)
    for line_name in ("loss", "grad_w1", "w1", "b1", "w2", "b2", "w_skip"):
        assert (last(lines, line_name) == names[line_name]).all()


def test_arguments_are_not_changed():
    x, y, params = problem()
    kept = x.copy(), y.copy(), params.copy()
    tl.trace(x, y, params, learning_rate=0.5)
    assert (x == kept[0]).all()
    assert (y == kept[1]).all()
    for (_, array), (_, before) in zip(params.items(), kept[2].items(), strict=True):
        assert (array == before).all()


def test_what_a_line_wrote_is_a_copy_of_its_own():
    x, y, params = problem()
    lines = {line.code: line for line in tl.trace(x, y, params, learning_rate=0.5)}
    copied = lines["grad_h = grad_h_relu.copy()"].wrote["grad_h"]
    cleared = lines["grad_h[h < 0] = 0"].wrote["grad_h"]
    assert (
        copied != cleared
    ).any()  # the later line did not reach back into the earlier one's copy
    assert (lines["grad_h_relu = grad_y_pred.dot(w2.T)"].wrote["grad_h_relu"] == copied).all()


def test_changes_are_counted():
    x, y, params = problem(seed=3)
    h = x @ params.w1 + params.b1
    lines = {line.code: line for line in tl.trace(x, y, params)}
    rectified = lines["h_relu = np.maximum(h, 0)"].change
    assert (rectified.before_name, rectified.after_name) == ("h", "h_relu")
    assert rectified.n_entries == h.size
    assert rectified.n_cleared == rectified.n_changed == (h < 0).sum() > 0
    cleared = lines["grad_h[h < 0] = 0"].change
    assert cleared.n_cleared == (h < 0).sum()
    assert lines["grad_h = grad_h_relu.copy()"].change.n_changed == 0
    moved = lines["w1 -= learning_rate * grad_w1"].change
    gradient = tl.loss_and_gradients(x, y, params)[1].w1
    assert moved.largest == pytest.approx(1e-6 * np.abs(gradient).max(), rel=1e-6)
    assert lines["h = x.dot(w1)"].change is None


def test_only_what_was_not_0_before_can_be_cleared():
    change = VariableChange(
        "a", "a", np.array([0.0, -1.0, 2.0, 3.0]), np.array([0.0, 0.0, 2.0, 4.0])
    )
    assert (change.n_entries, change.n_changed, change.n_cleared, change.largest) == (4, 2, 1, 1.0)


def test_the_window_holds_an_entry_that_changed():
    """Only the very last hidden unit is negative, in the very last row."""
    w1 = np.ones((2, 12))
    w1[1, -1] = -1
    params = tl.Params(w1, None, np.ones((12, 1)), None)
    x = np.ones((10, 2))
    x[-1, 1] = 5
    change = tl.trace(x, np.ones((10, 1)), params)[1].change
    window = change.window(rows=3, columns=4)
    assert (window.first_row, window.first_column) == (7, 8)
    assert window.before.shape == window.after.shape == (3, 4)
    assert window.before[-1, -1] == -4
    assert window.after[-1, -1] == 0


def test_at_exactly_zero_the_gradient_is_kept():
    params = tl.Params(np.array([[1.0]]), None, np.array([[2.0]]), None)
    lines = tl.trace([[0.0]], [[1.0]], params)
    assert last(lines, "grad_h") == -4  # 2·(0 − 1)·2: the tutorial's rule; clearing would give 0


def test_shapes_are_said():
    x, y, params = problem(rows=4, inputs=3, hidden=2, n_outputs=1)
    shapes = {line.code: line.shapes for line in tl.trace(x, y, params)}
    assert shapes["h = x.dot(w1)"] == "(4, 3) · (3, 2) → (4, 2)"
    assert shapes["h = h + b1"] == "h (4, 2), b1 (2,) → h (4, 2)"
    assert shapes["grad_w1 = x.T.dot(grad_h)"] == "(3, 4) · (4, 2) → (3, 2)"
    assert shapes["grad_h_relu = grad_y_pred.dot(w2.T)"] == "(4, 1) · (1, 2) → (4, 2)"
    assert shapes["loss = np.square(y_pred - y).sum()"] == "y_pred (4, 1), y (4, 1) → loss ()"


def test_every_line_has_its_sentence_in_both_languages():
    for loss in LOSSES:
        for activation in ACTIVATIONS:
            x, y, params = problem(loss, skip=True)
            for line in tl.trace(x, y, params, loss=loss, activation=activation, alpha=1):
                assert line.meaning.endswith((".", ".)"))
                assert any("\u4e00" <= letter <= "\u9fff" for letter in line.meaning_zh)
                assert "{" not in line.meaning + line.meaning_zh
                ast.parse(line.code)


def test_a_loss_and_an_activation_of_the_users_own_are_traced():
    class Double(SumOfSquares):
        name = "double"

        def elements(self, y_pred, y, xp=np):
            return 2 * super().elements(y_pred, y, xp)

        def gradient(self, y_pred, y, xp=np):
            return 2 * super().gradient(y_pred, y, xp)

    class Steep(Relu):
        name = "steep"

        def value(self, h, xp=np):
            return 3 * super().value(h, xp)

        def derivative(self, h, a, xp=np):
            return 3.0 * super().derivative(h, a, xp)

    x, y, params = problem()
    lines = tl.trace(x, y, params, loss=Double(), activation=Steep(), alpha=0.5)
    value, gradients = tl.loss_and_gradients(
        x, y, params, loss=Double(), activation=Steep(), alpha=0.5
    )
    assert last(lines, "loss") == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(last(lines, "grad_w1"), gradients.w1, rtol=1e-14)


def test_targets_that_only_nearly_add_up_to_one():
    x, _, params = problem()
    y = np.full((len(x), 3), 0.33334)
    lines = tl.trace(x, y, params, loss="log_loss")
    gradients = tl.loss_and_gradients(x, y, params, loss="log_loss")[1]
    np.testing.assert_allclose(last(lines, "grad_w2"), gradients.w2, rtol=1e-13)


def test_float32_stays_float32():
    x, y, params = problem(dtype="float32")
    for line in tl.trace(x, y, params):
        for name, array in line.wrote.items():
            assert array.dtype == np.float32, (line.code, name)


def test_a_step_that_overflows_is_shown_and_not_warned_of():
    x, y, params = problem(rows=2)
    lines = tl.trace(x * 1e200, y, params)
    assert np.isinf(last(lines, "loss"))


def test_bad_input_is_told_in_one_sentence():
    from scipy import sparse

    x, y, params = problem()
    networks = tl.init_params(5, 7, 3, n_networks=2)
    for arguments, settings, said in [
        ((x, y, networks), {}, "one network"),
        ((sparse.csr_array(x), y, params), {}, "toarray"),
        ((x[:, 1:], y, params), {}, "4 columns"),
        ((x, y, params), {"learning_rate": 0}, "learning_rate"),
        ((x, y, params), {"activation": "rlu"}, "did you mean 'relu'"),
    ]:
        with pytest.raises(tl.InputError, match=said) as caught:
            tl.trace(*arguments, **settings)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
    ],
)
def test_the_language_comes_from_the_locale(environment, language):
    assert default_language(environment) == language


def test_a_text_in_both_languages_is_filled_in():
    text = Bilingual(en="{n} rows", zh="{n} 行")
    assert (text.said("en", n=3), text.said("zh", n=3)) == ("3 rows", "3 行")
