"""`twolayer explain --topic`: what the pages on autograd, timing, and NumPy beside PyTorch print is what a real run gives."""

import re

import numpy as np
import pytest
from explain_pages import SMALL, arrays, flat, read

import twolayer as tl
from twolayer.maths.activations import ACTIVATIONS
from twolayer.tutorial.explain import autograd, numpy_torch, timing
from twolayer.tutorial.explain.autograd import explain_autograd
from twolayer.tutorial.explain.numpy_torch import explain_numpy_torch
from twolayer.tutorial.explain.timing import explain_timing
from twolayer.tutorial.ladder import LadderProgram

# Autograd


@pytest.fixture(scope="module")
def autograd_page():
    return {lang: flat(read(explain_autograd, SMALL, lang=lang)) for lang in ("en", "zh")}


def test_autograd_in_one_line(autograd_page):
    """y = w·x + b at x=1, w=2, b=3: dy/dx = w, dy/dw = x, dy/db = 1."""
    for page in autograd_page.values():
        assert "| tensor(2.) tensor(1.) tensor(1.)" in page


def torch_weights():
    import torch

    x, y, params = arrays(SMALL)
    w1, w2 = (torch.tensor(w, requires_grad=True) for w in (params.w1, params.w2))
    return torch.tensor(x), torch.tensor(y), w1, w2


def quoted(text):
    """As a page shows what was printed: behind bars."""
    return re.escape(" ".join(str(text).split())).replace(r"\ ", r"( \|)? ")


def test_the_traps_show_torchs_own_errors(autograd_page):
    """Each error is provoked here once more, by hand, and must stand on the page word for word."""
    import torch

    errors = []
    x, y, w1, w2 = torch_weights()
    loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
    loss.backward()
    lost = (w1 - 1e-3 * w1.grad).detach()
    with pytest.raises(RuntimeError) as caught:
        x.mm(lost).sum().backward()
    errors.append(caught.value)
    with pytest.raises(RuntimeError) as caught:
        w1 -= 1e-3 * w1.grad
    errors.append(caught.value)
    with pytest.raises(TypeError) as caught:
        1e-3 * torch.zeros(1).grad
    errors.append(caught.value)
    with pytest.warns(UserWarning, match="leaf") as warned:
        assert (w2 * 1).grad is None
    errors.append(warned[0].message)
    for page in autograd_page.values():
        for error in errors:
            assert re.search(quoted(error), page), error


def test_the_cures_give_the_losses_of_the_numpy_program(autograd_page):
    losses = tl.train(*arrays(SMALL), learning_rate=1e-3, steps=SMALL.steps, engine="numpy").losses
    said = f"12 steps: the loss goes from {losses[0]:.6g} to {losses[-1]:.6g}, the same as NumPy by hand."
    assert autograd_page["en"].count(said) == 3
    assert autograd_page["zh"].count("与 NumPy 手写梯度的结果相同。") == 3


def test_a_wrong_cure_would_be_noticed(monkeypatch):
    """With the gradients never cleared in place of the second cure's fresh leaf, the page says `not the same`."""
    monkeypatch.setattr(autograd.AutogradLesson, "each", wrong_each(autograd.AutogradLesson.each))
    page = flat(read(explain_autograd, SMALL))
    assert "not the same as NumPy by hand" in page


def wrong_each(each):
    return lambda self, line: each(
        self, line.replace("(w", "(w").replace(".detach()", ".mul(1.01).detach()")
    )


def test_forgetting_to_clear_adds_up(autograd_page):
    x, y, w1, w2 = torch_weights()
    losses = []
    for _ in range(12):
        loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        for w in (w1, w2):
            w.data -= 1e-3 * w.grad
    assert f"the loss is {losses[-1]:.6g}; with clearing" in autograd_page["en"]
    assert "grad is 2 times the gradient" in autograd_page["en"]


def test_the_function_of_ones_own_is_really_called(autograd_page):
    assert "backward was called 12 times, once per step" in autograd_page["en"]
    said = re.search(
        r"the largest relative difference of any loss is (\S+)\. ", autograd_page["en"]
    )
    assert float(said[1]) < 1e-12


def test_slopes_at_exactly_zero(autograd_page):
    """NumPy's rule keeps the gradient; torch documents 0 for relu, and halves it in maximum."""
    names = {}
    exec("import torch\n" + autograd.CUSTOM_FUNCTION_CODE, names)
    slopes = {source: float(slope) for source, slope in autograd.slopes_at_zero(names)}
    assert slopes == {
        "grad_h[h < 0] = 0  (NumPy)": 1,
        "h.clamp(min=0)": 1,
        "Rectifier.apply(h)": 1,
        "torch.maximum(h, torch.zeros(()))": 0.5,
        "torch.relu(h)": 0,
        "torch.nn.ReLU()(h)": 0,
        "torch.nn.functional.threshold(h, 0, 0)": 0,
    }
    for page in autograd_page.values():
        assert "torch.maximum(h, torch.zeros(())) 0.5" in page


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("bias", [False, True])
def test_autograd_with_every_activation_agrees_with_the_program_by_hand(activation, bias):
    program = LadderProgram(
        n_rows=6,
        n_inputs=5,
        n_hidden=7,
        n_outputs=2,
        learning_rate=1e-3,
        steps=5,
        activation=activation,
        bias=bias,
    )
    page = flat(read(explain_autograd, program))
    difference = float(
        re.search(r"the largest relative difference of any step is (\S+)\.", page)[1]
    )
    assert difference < 1e-12
    assert (
        page.count("the same as NumPy by hand") - page.count("not the same as NumPy by hand") == 3
    )


def test_autograd_that_diverges_is_told():
    program = LadderProgram(
        n_rows=6, n_inputs=50, n_hidden=7, n_outputs=2, learning_rate=0.1, steps=30
    )
    assert "no longer a finite number" in flat(read(explain_autograd, program))


# Timing


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_timing_page(lang, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    page = flat(read(explain_timing, SMALL, lang=lang))
    x, y, w1, w2 = (array.float() for array in torch_weights())
    y_pred = x.mm(w1).clamp(min=0).mm(w2)
    assert f"| {(y_pred - y).pow(2).sum().item()}" in page
    assert "grad_fn=<SumBackward0>)" in page
    assert ("There is no CUDA device here" if lang == "en" else "这里没有 CUDA 设备") in page
    assert page.count("float32 ") >= 3
    products = 6 * 5 * 7 * 2 + 6 * 7 * 2 * 3
    assert f"{products} " in page
    assert "2.735" not in page  # that is a figure of the tutorial's size


def test_the_clock_is_read_before_and_after_the_work_is_done():
    """A device on which asking takes 1 and the work takes 1000."""

    class Clock:
        now = 0.0

        def perf_counter(self):
            return self.now

        def synchronize(self):
            self.now += 1000

        def mm(self, other):
            self.now += 1
            return self

    clock = Clock()
    clock.cuda = clock
    clock.randn = lambda *shape, device: clock
    queued, finished = timing.times_on_cuda(clock, clock)
    assert queued == timing.N_PRODUCTS
    assert finished == timing.N_PRODUCTS + 1000


# NumPy and PyTorch


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_numpy_and_torch_give_the_same_numbers(lang):
    lines = read(explain_numpy_torch, lang=lang)
    same = "the same" if lang == "en" else "相同"
    rows = [line for line in lines if line.endswith(f"  {same}")]
    assert len(rows) == len(numpy_torch.OPERATION_PAIRS) == 10
    page = flat(lines)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3))
    assert f"x.sum() = {x.sum():.6g}" in page
    assert "| AttributeError: 'NoneType' object has no attribute 'zero_'" in page
    assert "| torch.float32" in page


def test_a_pair_that_differs_is_told():
    import torch

    assert numpy_torch.comparison_text(np.ones(2), torch.ones(2)).en == "the same"
    assert numpy_torch.comparison_text(np.ones(2), torch.tensor([1, 1.001])).en == "different"
    assert numpy_torch.comparison_text(np.ones(2), torch.ones(2, 1)).en == "different"
