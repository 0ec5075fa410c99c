"""The page's texts are the tutorial's, complete in both languages; the lines of every engine run, and the mistakes are so.

Expected numbers come from `loss_and_gradients`, which is tested on its own.
"""

import json
import re
from importlib.util import find_spec

import numpy as np
import pytest

import twolayer as tl
from twolayer.tutorial.bilingual import LANGUAGES
from twolayer.tutorial.source.mistakes import MISTAKES
from twolayer.watch.texts import ENGINE_TITLES, page_texts

TEXTS = page_texts()
TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
ENGINES = [pytest.param(name, marks=[TORCH] if name != "numpy" else []) for name in ENGINE_TITLES]


def sentences(node, path=""):
    """Every text in both languages, with its place."""
    if isinstance(node, dict) and set(node) == set(LANGUAGES):
        yield path, node
    elif isinstance(node, dict):
        for name, part in node.items():
            yield from sentences(part, f"{path}/{name}")


def run(engine, activation="relu", bias=True, change=lambda step: step):
    """Run the lines of an engine's program on five rows: the arrays before the step, and all variables after it."""
    known = TEXTS["engines"][engine]
    names = [n for n in known["order"][activation] if bias or n not in TEXTS["biased"]]
    lines = [known["lines"][name] for name in names]
    setup = "\n".join(line["code"] for line in lines if line["part"] == "setup")
    setup = setup.replace("64, 1000, 100, 10", "5, 3, 4, 2").replace("1e-06", "0.01")
    values = {}
    exec(setup, values)
    start = {
        name: np.array(_numpy(values[name]))
        for name in ["x", "y", "w1", "b1", "w2", "b2"]
        if name in values
    }
    step = [line["code"] for line in lines if line["part"] != "setup"]
    exec("\n".join(change(step)), values)
    return start, {name: _numpy(value) for name, value in values.items()}


def _numpy(value):
    return value.detach().numpy() if type(value).__name__ == "Tensor" else value


def test_every_sentence_is_there_in_both_languages():
    found = dict(sentences(TEXTS))
    assert len(found) > 150
    for place, text in found.items():
        assert text["en"].strip(), place
        assert text["zh"].strip(), place
        assert text["en"] != text["zh"] or place.endswith("title"), place
        assert not re.search(r"[\u4e00-\u9fff]", text["en"]), place
        assert re.search(r"[\u4e00-\u9fff]", text["zh"]), place


def test_the_texts_are_json():
    assert json.loads(json.dumps(TEXTS)) == TEXTS


def test_the_mistakes_and_the_lines_of_backward_name_lines():
    names = {name for engine in TEXTS["engines"].values() for name in engine["lines"]}
    assert {mistake["line"] for mistake in TEXTS["mistakes"].values()} <= names
    assert set(TEXTS["opens"]["backward"]) <= set(TEXTS["engines"]["numpy"]["lines"])
    assert {"grad_w1", "grad_b2", "mask"} <= set(TEXTS["opens"]["backward"])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_lines_of_every_engine_are_the_program(engine, activation, bias):
    if (engine, activation) == ("custom", "identity"):
        pytest.skip("the function of our own is the rectifier")
    start, after = run(engine, activation, bias)
    params = tl.Params(start["w1"], start.get("b1"), start["w2"], start.get("b2"))
    value, gradients = tl.loss_and_gradients(start["x"], start["y"], params, activation=activation)
    assert float(after["loss"]) == pytest.approx(value, rel=1e-12)
    for name, weight in params.items():
        expected = weight - 0.01 * getattr(gradients, name)
        np.testing.assert_allclose(after[name], expected, rtol=1e-12, atol=1e-12)


def without(step, code):
    assert code in step
    return [line for line in step if line != code]


def replaced(step, code, other):
    assert code in step
    return [other if line == code else line for line in step]


def test_without_the_mask_the_gradient_of_w1_is_wrong_and_that_of_w2_right():
    _, right = run("numpy")
    _, wrong = run("numpy", change=lambda step: without(step, "grad_h[h < 0] = 0"))
    assert (wrong["grad_w2"] == right["grad_w2"]).all()
    assert not np.allclose(wrong["grad_w1"], right["grad_w1"])


def test_without_the_mask_the_loss_of_the_program_falls_for_some_steps():
    def losses(steps):
        rng = np.random.default_rng(0)
        x, y, w1, w2 = (
            rng.standard_normal(shape) for shape in ((64, 1000), (64, 10), (1000, 100), (100, 10))
        )
        for _ in range(steps):
            h_relu = np.maximum(x @ w1, 0)
            difference = h_relu @ w2 - y
            yield np.square(difference).sum()
            grad_w1, grad_w2 = x.T @ (2 * difference @ w2.T), h_relu.T @ (2 * difference)
            w1, w2 = w1 - 1e-6 * grad_w1, w2 - 1e-6 * grad_w2

    values = list(losses(20))
    assert values[-1] < values[0]


def test_without_the_copy_only_grad_h_relu_is_wrong():
    _, right = run("numpy")
    code = "grad_h = grad_h_relu.copy()"
    _, wrong = run("numpy", change=lambda step: replaced(step, code, "grad_h = grad_h_relu"))
    different = [
        name
        for name, value in right.items()
        if isinstance(value, np.ndarray) and (value != wrong[name]).any()
    ]
    assert different == ["grad_h_relu"]


def test_with_w2_updated_too_early_grad_h_relu_and_grad_w1_are_wrong():
    code = "w2 -= learning_rate * grad_w2"

    def early(step):
        rest = without(step, code)
        at = rest.index("grad_h_relu = grad_y_pred.dot(w2.T)")
        return [*rest[:at], code, *rest[at:]]

    _, right = run("numpy")
    _, wrong = run("numpy", change=early)
    for name, same in (("grad_w2", True), ("grad_h_relu", False), ("grad_w1", False)):
        assert np.allclose(wrong[name], right[name]) == same


def test_without_the_sum_the_update_of_a_bias_stops():
    code = "grad_b2 = grad_y_pred.sum(axis=0)"
    with pytest.raises(ValueError, match="non-broadcastable"):
        run("numpy", change=lambda step: replaced(step, code, "grad_b2 = grad_y_pred"))


def test_from_zeros_without_biases_nothing_changes():
    zeros = ["w1 = np.zeros((3, 4))", "w2 = np.zeros((4, 2))"]
    _, after = run("numpy", bias=False, change=lambda step: [*zeros, *step])
    assert not after["w1"].any()
    assert not after["w2"].any()


def test_a_flat_y_gives_n_rows_and_n_columns_with_one_output_and_stops_with_two():
    flat = ["y = y[:, 0]"]
    one = ["w2 = w2[:, :1]", "b2 = b2[:1]"]
    _, after = run("numpy", change=lambda step: [*flat, *one, *step[:7]])
    assert after["grad_y_pred"].shape == (5, 5)
    with pytest.raises(ValueError, match=r"\(5,5\) and \(1,4\) not aligned"):
        run("numpy", change=lambda step: [*flat, *one, *step])
    with pytest.raises(ValueError, match="broadcast"):
        run("numpy", change=lambda step: [*flat, *step])


def test_the_mistakes_of_the_page_are_these():
    assert set(MISTAKES) >= {
        "mask",
        "copy",
        "order",
        "mean",
        "bias_sum",
        "accumulate",
        "zeros",
        "flat_y",
    }
