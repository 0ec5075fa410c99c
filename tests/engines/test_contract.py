"""Agreement alone could be had by one engine under five names: these tests look at who does the work, and where."""

from importlib import import_module

import numpy as np
import pytest
import torch
from agreement import skip_if_it_cannot
from small_problems import small_problem

import twolayer as tl
from twolayer.engines import ENGINE_NAMES, get_engine
from twolayer.engines.contract import Batch
from twolayer.maths.problem import checked_objective, checked_problem
from twolayer.solvers.adam import Adam
from twolayer.solvers.gd import GradientDescent
from twolayer.training.batches import Batches

torch_engines = import_module("twolayer.engines.torch_engines")

TORCH = [name for name in ENGINE_NAMES if name.startswith("torch")]
BY_AUTOGRAD = ["torch-autograd", "torch-function", "torch-nn"]
each_torch_engine = pytest.mark.parametrize("engine", TORCH)


def train(engine, **settings):
    x, y, params, _ = small_problem(dtype=settings.pop("dtype", "float64"))
    settings = {"steps": 5, "learning_rate": 1e-3, **settings}
    skip_if_it_cannot(engine, x, y, params)
    return tl.train(x, y, params, engine=engine, **settings)


class Spy:
    """Counts the calls of a function and passes them on."""

    def __init__(self, monkeypatch, owner, name, watch=lambda *_args, **_kwargs: None):
        self.calls, self.seen, self.watch = 0, [], watch
        original = getattr(owner, name)

        def spied(*args, **kwargs):
            self.calls += 1
            self.seen.append(watch(*args, **kwargs))
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, spied)


@pytest.fixture
def backward(monkeypatch):
    return Spy(monkeypatch, torch.autograd, "backward")


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_backward_is_called_at_every_step_by_the_autograd_engines_and_by_no_other(engine, backward):
    run = train(engine, steps=5)
    assert len(run.losses) == 5
    if engine in BY_AUTOGRAD:
        assert backward.calls >= 5
    else:
        assert backward.calls == 0


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_backward_is_called_by_loss_and_gradients_too(engine, backward):
    x, y, params, _ = small_problem()
    skip_if_it_cannot(engine, x, y, params)
    tl.loss_and_gradients(x, y, params, engine=engine)
    assert backward.calls == (engine in BY_AUTOGRAD)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_the_gradients_by_hand_are_used_by_the_engines_that_say_so_and_by_no_other(
    engine, monkeypatch
):
    modules = {"numpy": "twolayer.engines.numpy_engine", "torch": "twolayer.engines.torch_engines"}
    spies = {
        name: Spy(monkeypatch, import_module(module), "loss_and_gradients")
        for name, module in modules.items()
    }
    train(engine, steps=5)
    if engine in spies:
        assert spies[engine].calls >= 5
    if engine != "torch":
        assert spies["torch"].calls == 0
    if engine in TORCH:
        assert spies["numpy"].calls == 0


@pytest.mark.parametrize("engine", ["torch-autograd", "torch-function", "torch-nn"])
def test_a_wrong_derivative_by_hand_is_not_seen_by_autograd(engine, monkeypatch):
    """The other way round: were the hand-written derivative used, a planted error in it would show."""
    relu = import_module("twolayer.maths.activations").Relu
    right = train(engine)
    monkeypatch.setattr(relu, "derivative", lambda self, h, a, xp=np: (h >= 0) * 3.0)
    np.testing.assert_array_equal(train(engine).losses, right.losses)
    assert not np.array_equal(train("torch").losses[1:], right.losses[1:])


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_our_own_autograd_function_is_used_by_torch_function_alone(engine, monkeypatch):
    rectifier = torch_engines._rectifier()
    assert issubclass(rectifier, torch.autograd.Function)
    forward, back = Spy(monkeypatch, rectifier, "forward"), Spy(monkeypatch, rectifier, "backward")
    # staticmethods of an autograd function are looked up on the class: put them back as such
    monkeypatch.setattr(rectifier, "forward", staticmethod(rectifier.forward))
    monkeypatch.setattr(rectifier, "backward", staticmethod(rectifier.backward))
    train(engine, steps=5)
    used = 5 if engine == "torch-function" else 0
    assert back.calls >= used
    assert forward.calls >= used
    assert (back.calls > 0) == (forward.calls > 0) == (engine == "torch-function")


def test_our_own_function_passes_torchs_gradient_check():
    """torch.autograd.gradcheck compares it with central differences, away from the kink."""
    h = torch.tensor([[-1.5, -0.2, 0.3], [0.1, 2.0, -3.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(torch_engines._rectifier().apply, (h,))


def test_torch_function_uses_plain_autograd_for_other_activations(monkeypatch, backward):
    spy = Spy(monkeypatch, torch_engines, "_rectifier")
    train("torch-function", activation="tanh")
    assert spy.calls == 0
    assert backward.calls >= 5


@pytest.mark.parametrize(
    ("solver", "optimizer"), [("gd", torch.optim.SGD), ("adam", torch.optim.Adam)]
)
@each_torch_engine
def test_torchs_optimiser_moves_the_weights_of_torch_nn_alone(
    engine, solver, optimizer, monkeypatch
):
    spy = Spy(monkeypatch, optimizer, "step")
    own = [Spy(monkeypatch, kind, "step") for kind in (GradientDescent, Adam)]
    train(engine, solver=solver, steps=5)
    assert (spy.calls >= 5) if engine == "torch-nn" else (spy.calls == 0)
    assert (sum(s.calls for s in own) == 0) == (engine == "torch-nn")


@each_torch_engine
def test_torch_nn_runs_a_sequential_of_two_linears_and_torchs_loss(engine, monkeypatch):
    sequential = Spy(
        monkeypatch, torch.nn.Sequential, "forward", lambda module, _: [type(m) for m in module]
    )
    linear = Spy(monkeypatch, torch.nn.Linear, "forward")
    loss = Spy(monkeypatch, torch.nn.MSELoss, "forward", lambda module, *_: module.reduction)
    train(engine, steps=5)
    if engine != "torch-nn":
        assert sequential.calls == linear.calls == loss.calls == 0
        return
    assert sequential.calls >= 5
    assert linear.calls == 2 * sequential.calls
    assert loss.calls == sequential.calls
    assert set(loss.seen) == {"sum"}
    first, _, last = sequential.seen[0]
    assert first is last is torch.nn.Linear


def test_the_numpy_engine_touches_no_torch(monkeypatch):
    """Every operation on a tensor passes through torch's dispatcher: none may be made."""
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    with Watch():
        train("numpy")
        assert not seen
        train("torch")
        assert seen


def test_the_torch_engines_do_their_products_in_torch():
    """matmul of the right sizes is seen by torch's dispatcher; NumPy does none of the work."""
    from torch.utils._python_dispatch import TorchDispatchMode

    for engine in TORCH:
        products = []

        class Watch(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, args=(), kwargs=None, products=products):
                if function.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm):
                    products.append(tuple(args[-2].shape) + tuple(args[-1].shape))
                return function(*args, **(kwargs or {}))

        x, y, params, _ = small_problem(bias=False)
        with Watch():
            tl.loss_and_gradients(x, y, params, engine=engine)
        assert len(products) == 5, engine  # two products forward, three back
        assert (7, 3, 3, 4) in products, engine  # x @ w1
        assert (7, 4, 4, 2) in products, engine  # h_relu @ w2


@each_torch_engine
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tensors_have_the_dtype_of_the_parameters_and_the_device_asked_for(engine, dtype):
    """torch's "meta" device computes shapes only: everything made for it must be on it, or the step fails."""
    x, y, params, s = small_problem(skip=True, weights=True, dtype=dtype)
    problem = checked_problem(x, y, params, checked_objective("squared_error", "relu", 0.5), s)
    worker = get_engine(engine)
    for device in ("cpu", "meta"):
        state = worker.prepare(problem, params, GradientDescent(0.1, 0.9), device)
        rows = None if device == "meta" else np.arange(3)
        loss, gradients = worker.loss_and_gradients(state, state.params, Batch(rows, 3.0, 0.1))
        weights = (
            list(state.params.parameters())
            if engine == "torch-nn"
            else [w for _, w in state.params.items()]
        )
        made = [
            state.problem.x,
            state.problem.y,
            state.problem.s,
            loss,
            *weights,
            *(g for _, g in gradients.items()),
        ]
        assert len(made) == 4 + 5 + 5
        for tensor in made:
            assert tensor.device.type == device
            assert tensor.dtype == getattr(torch, dtype)


@each_torch_engine
@pytest.mark.parametrize(
    "solver", [GradientDescent(0.1), GradientDescent(0.1, 0.9, True), Adam(0.1)], ids=str
)
def test_a_whole_step_is_taken_on_the_device(engine, solver):
    """On "meta" no number can come back to the host: a step that needs one fails."""
    x, y, params, _ = small_problem()
    problem = checked_problem(x, y, params, checked_objective("sum_of_squares", "tanh", 0.5))
    worker = get_engine(engine)
    state = worker.prepare(problem, params, solver, "meta")
    kept = []
    worker.to_numpy = lambda losses: kept.extend(losses) or np.zeros(len(losses))
    plan = Batches(problem, None, 0).next_plan(3)
    worker.advance(state, plan)
    assert [loss.device.type for loss in kept] == ["meta"] * 3


@each_torch_engine
def test_the_losses_come_to_the_host_once_a_chunk(engine, monkeypatch):
    """Reading a loss at every step would make a GPU wait at every step."""
    moved = Spy(monkeypatch, torch.Tensor, "cpu")
    item = Spy(monkeypatch, torch.Tensor, "item")
    x, y, params, _ = small_problem()
    problem = checked_problem(x, y, params, checked_objective("sum_of_squares", "relu", 0.0))
    worker = get_engine(engine)
    state = worker.prepare(problem, params, GradientDescent(0.001), "cpu")
    before = moved.calls
    losses = worker.advance(state, Batches(problem, None, 0).next_plan(20))
    assert len(losses) == 20
    assert moved.calls - before == 1
    assert item.calls == 0


@each_torch_engine
def test_the_device_used_is_said(engine):
    assert train(engine, device="cpu").device == "cpu"
    assert train(engine, device="auto").device == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here")
@each_torch_engine
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_on_cuda(engine, device):
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.max_memory_allocated()
    run = train(engine, device=device)
    assert run.device == device
    assert torch.cuda.max_memory_allocated() > before
    np.testing.assert_allclose(run.losses, train(engine).losses, rtol=1e-10)


def test_every_engine_says_what_it_is_and_no_two_the_same():
    summaries = [get_engine(name).summary for name in ENGINE_NAMES]
    assert [get_engine(name).name for name in ENGINE_NAMES] == list(ENGINE_NAMES)
    assert all(summaries)
    assert len(set(summaries)) == len(ENGINE_NAMES)
    assert len({type(get_engine(name)) for name in ENGINE_NAMES}) == len(ENGINE_NAMES)


def test_an_engine_copies_what_it_changes():
    x, y, params, _ = small_problem()
    problem = checked_problem(x, y, params, checked_objective("sum_of_squares", "relu", 0.0))
    before = params.copy()
    for name in ENGINE_NAMES:
        skip = get_engine(name).missing() or get_engine(name).refusal(
            problem, params, GradientDescent(0.1)
        )
        if skip:
            continue
        state = get_engine(name).prepare(problem, params, GradientDescent(0.1), "cpu")
        get_engine(name).advance(state, Batches(problem, None, 0).next_plan(2))
        for (_, w), (_, old) in zip(params.items(), before.items(), strict=True):
            np.testing.assert_array_equal(w, old)
        assert not np.array_equal(get_engine(name).params(state).w1, before.w1)
        taken = get_engine(name).params(state)
        taken.w1[:] = 0
        assert get_engine(name).params(state).w1.any()
