"""The compiled engine: what `test_engines_agree.py` cannot see. Loops and BLAS, compiling and its cache, threads, refusals."""

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from agreement import assert_losses_agree, assert_weights_agree
from numba.core import event
from small_problems import EACH_ONCE, small_problem

import twolayer as tl
from twolayer.engines.compiled import engine, state
from twolayer.engines.compiled.engine import CompiledEngine, compile_all_kernels, kernel_array
from twolayer.engines.compiled.state import FlatWeights, same_weights
from twolayer.engines.contract import Batch, BatchPlan
from twolayer.maths import activations, losses
from twolayer.maths.activations import ACTIVATIONS, Activation, Relu, Tanh
from twolayer.maths.losses import LOSSES, SquaredError
from twolayer.maths.problem import checked_objective, checked_problem
from twolayer.maths.span import GramSpan
from twolayer.solvers import Solver, lbfgs, line_search
from twolayer.solvers.gd import GradientDescent

WAYS = {
    "gd": {"learning_rate": 0.002},
    "nesterov, decay": {
        "learning_rate": 0.002,
        "momentum": 0.9,
        "nesterov": True,
        "alpha": 0.5,
    },
    "batches": {"learning_rate": 0.002, "batch_size": 3, "alpha": 0.5},
    "adam": {"learning_rate": 0.05, "solver": "adam", "alpha": 0.5},
    "lbfgs": {"solver": "lbfgs", "alpha": 0.5},
}


def run_of(way, engine="compiled", activation="tanh", loss="sum_of_squares", steps=12, **kind):
    x, y, params, s = small_problem(loss, **{"skip": True, "weights": True, **kind})
    return tl.train(
        x, y, params, engine=engine, loss=loss, activation=activation, steps=steps, random_state=4,
        sample_weight=s, **WAYS[way],
    )  # fmt: skip


# Loops and BLAS


def test_what_a_loop_writes_lies_apart_from_all_else():
    """At least the 512 bytes that a loop may take at once: where small arrays lie is chance, and no sum may follow from it."""
    x, y, params, _ = small_problem(skip=True)
    problem = checked_problem(x, y, params, checked_objective("squared_error", "relu", 0.0))
    state = CompiledEngine().prepare(problem, params, GradientDescent(1e-3), "cpu")
    with FlatWeights(state, 0, [], same_weights) as numbers:
        written = [*state.work, numbers.flat.w, numbers.flat.gradient]
        owners = [array.base if array.base.base is None else array.base.base for array in written]
        assert len({id(owner) for owner in owners}) == len(written)
        for array, owner in zip(written, owners, strict=True):
            before = array.ctypes.data - owner.ctypes.data
            assert before >= 512
            assert owner.nbytes - array.nbytes - before >= 512


@pytest.mark.parametrize("up_to", [0, 10**9])
@pytest.mark.parametrize(("activation", "loss", "n_outputs"), EACH_ONCE)
@pytest.mark.parametrize("way", WAYS)
def test_plain_loops_and_blas_give_the_same(way, activation, loss, n_outputs, up_to, monkeypatch):
    kind = {"activation": activation, "loss": loss, "n_outputs": n_outputs}
    if way == "lbfgs" and loss == "absolute_error":
        kind["steps"] = 6  # later its searches meet kinks, where rounding decides where they end
    expected = run_of(way, engine="numpy", **kind)
    monkeypatch.setattr(state, "LOOPS_UP_TO", up_to)
    run = run_of(way, **kind)
    assert_losses_agree(run.losses, expected.losses, first=1e-9)
    assert_weights_agree(run.params, expected.params, 1e-9)


@pytest.mark.parametrize("up_to", [0, 10**9])
@pytest.mark.parametrize("n_inputs", [1, 2, 5])
@pytest.mark.parametrize("n_hidden", [1, 2, 5])
@pytest.mark.parametrize("n_outputs", [1, 2, 3])
@pytest.mark.parametrize("way", ["gd", "batches", "adam"])
def test_sizes_of_one_and_two_have_branches_of_their_own(
    way, n_inputs, n_hidden, n_outputs, up_to, monkeypatch
):
    kind = {"n_inputs": n_inputs, "n_hidden": n_hidden, "n_outputs": n_outputs}
    for more in ({}, {"skip": False}, {"skip": False, "bias": False}):
        expected = run_of(way, engine="numpy", **kind, **more)
        monkeypatch.setattr(state, "LOOPS_UP_TO", up_to)
        assert_losses_agree(run_of(way, **kind, **more).losses, expected.losses, first=1e-9)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("up_to", [0, 10**9])
def test_plain_descent_of_a_small_network(activation, bias, weights, up_to, monkeypatch):
    monkeypatch.setattr(state, "LOOPS_UP_TO", up_to)
    for loss in ("sum_of_squares", "squared_error"):
        x, y, params, s = small_problem(loss, bias=bias, weights=weights)
        settings = {"loss": loss, "activation": activation, "learning_rate": 1e-3, "steps": 30}
        run = tl.train(x, y, params, engine="compiled", sample_weight=s, **settings)
        expected = tl.train(x, y, params, engine="numpy", sample_weight=s, **settings)
        assert_losses_agree(run.losses, expected.losses, first=1e-10)
        assert_weights_agree(run.params, expected.params, 1e-10)


# Compiling


class Compiled(event.Listener):
    """Counts what is compiled."""

    def __init__(self):
        self.names = []

    def on_start(self, event):
        name = event.data["dispatcher"].py_func.__name__
        self.names.append(f"{name}{event.data['args']}")

    def on_end(self, event):
        pass


def test_after_the_warm_up_nothing_is_left_to_compile():
    """Whatever is trained: no setting, part or layout is another type to Numba."""
    names = [what for _, _, what in compile_all_kernels()]
    assert len(names) == len(set(names)) >= 8
    with event.install_listener("numba:compile", Compiled()) as seen:
        for dtype in ("float64", "float32"):
            for way in WAYS:
                for kind in (
                    {},
                    {"skip": False, "bias": False, "weights": False},
                    {"n_outputs": 1, "skip": False},
                    {"loss": "log_loss", "n_outputs": 3, "activation": "relu"},
                ):
                    run_of(way, dtype=dtype, **kind)
            for way in ("gd", "nesterov, decay", "batches"):
                run_of(way, dtype=dtype, n_networks=2)
        for spanned in (True, False):
            x, y, params, _ = small_problem(n_rows=6, n_inputs=20)
            x, y = np.asfortranarray(x), y[:, ::-1]
            x.flags.writeable = False
            tl.train(x, y, params, engine="compiled", span=spanned, steps=2)
    assert seen.names == []


def test_a_read_only_table_is_neither_copied_nor_another_type():
    table = np.arange(6.0).reshape(2, 3)
    table.flags.writeable = False
    given = kernel_array(table)
    assert given.flags.writeable
    assert np.shares_memory(given, table)
    np.testing.assert_array_equal(given, table)
    turned = kernel_array(np.asfortranarray(table))
    assert turned.flags.c_contiguous
    np.testing.assert_array_equal(turned, table)


def test_compiling_is_announced_once_for_each_solver(capsys):
    """Told by Numba's own event, here set off by hand: a real compilation takes long."""
    engine._compilation_listener.cache_clear()
    for what in ("adam", "gd", "adam"):
        with engine.announce_compilation(what, np.dtype("float64")):
            for _ in range(2):
                event.start_event("numba:compile")
                event.end_event("numba:compile")
    event.start_event("numba:compile")  # what others compile is no affair of ours
    event.end_event("numba:compile")
    said = capsys.readouterr()
    assert said.out == ""
    rest = "once on this machine (up to a minute; `twolayer warmup` compiles those of all solvers ahead)"
    assert said.err.splitlines() == [
        f"twolayer: compiling the kernels for {what} (float64), {rest}" for what in ("adam", "gd")
    ]


def test_a_page_that_changed_changes_the_name_in_the_cache(tmp_path, monkeypatch):
    """Numba looks at the kernels' own page only: an old kernel would be taken for the new page's activations."""
    from twolayer.engines.compiled import forward_backward, jit, steps, tiny_networks
    from twolayer.engines.compiled import lbfgs as kernel_lbfgs

    kept = Path(steps.evaluate_objective._cache._cache_file._index_name).name
    assert jit.source_fingerprint() == jit.SOURCE_FINGERPRINT
    assert jit.SOURCE_FINGERPRINT in kept
    pages = {
        Path(page.__file__)
        for page in (
            activations,
            losses,
            lbfgs,
            line_search,
            jit,
            forward_backward,
            tiny_networks,
            steps,
            kernel_lbfgs,
        )
    }
    assert set(jit.COMPILED_SOURCES) == pages
    for page in pages:
        changed = tmp_path / "page.py"
        changed.write_bytes(page.read_bytes() + b"# changed")
        with monkeypatch.context() as patch:
            others = [each for each in jit.COMPILED_SOURCES if each != page]
            patch.setattr(jit, "COMPILED_SOURCES", [*others, changed])
            now = jit.source_fingerprint()
            patch.setattr(jit, "COMPILED_SOURCES", [*others, page])
            assert now != jit.source_fingerprint()


# Threads


def test_the_interpreter_is_free_while_a_kernel_runs():
    """With the interpreter held, nobody could count between the start of the kernel and its end."""
    x, y, params, _ = small_problem(n_rows=50, n_inputs=20, n_hidden=20)
    problem = checked_problem(x, y, params, checked_objective("squared_error", "tanh", 0.0))
    engine = CompiledEngine()
    state = engine.prepare(problem, params, GradientDescent(1e-3), "cpu")
    steps = 3000
    plan = BatchPlan(None, np.zeros(steps + 1, np.int64), np.full(steps, 50.0), np.zeros(steps))
    engine.advance(state, plan.first(1))
    inside, done = threading.Event(), threading.Event()

    def work():
        inside.set()
        engine.advance(state, plan)
        done.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # or the count could end before it begins
    try:
        thread = threading.Thread(target=work)
        thread.start()
        inside.wait()
        counted = 0
        while not done.is_set():
            counted += 1
        thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert counted > 1000


def test_runs_in_several_threads_do_not_mix():
    ways = ["gd", "nesterov, decay", "batches", "adam", "lbfgs"]
    expected = {way: run_of(way, steps=200) for way in ways}
    found = {}

    def work(name, way):
        found[name] = way, run_of(way, steps=200)

    threads = [
        threading.Thread(target=work, args=(f"{way} {k}", way)) for k in range(3) for way in ways
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(threads)
    for way, run in found.values():
        np.testing.assert_array_equal(run.losses, expected[way].losses)
        np.testing.assert_array_equal(run.params.w1, expected[way].params.w1)


# What it cannot do


class Softsign(Activation):
    """One that is not in the table."""

    name = "softsign"

    def value(self, h, xp=np):
        return h / (1 + xp.abs(h))

    def derivative(self, h, a, xp=np):
        return 1 / (1 + xp.abs(h)) ** 2


class Leaky(Relu):
    """One that bears the name of another."""

    def value(self, h, xp=np):
        return xp.where(h < 0, 0.1 * h, h)

    def derivative(self, h, a, xp=np):
        return xp.where(h < 0, 0.1, 1.0)


class Twice(SquaredError):  # noqa: N818 - no exception
    name = "twice"

    def elements(self, y_pred, y, xp=np):
        return 2 * super().elements(y_pred, y, xp)

    def gradient(self, y_pred, y, xp=np):
        return 2 * super().gradient(y_pred, y, xp)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"activation": Softsign()}, "no activation 'softsign'"),
        ({"activation": Leaky()}, "no activation 'relu'"),
        ({"loss": Twice()}, "no loss 'twice'"),
    ],
)
@pytest.mark.parametrize("spanned", [False, True])
def test_ones_own_activation_or_loss(own, said, spanned):
    x, y, params, _ = small_problem(n_rows=5, n_inputs=12)
    settings = {"learning_rate": 1e-3, "steps": 5, **own}
    with pytest.raises(tl.EngineError, match=f"engine 'compiled' has {said}: use engine='numpy'"):
        tl.train(x, y, params, engine="compiled", span=spanned, **settings)
    run = tl.train(x, y, params, **settings)
    assert run.engine == "numpy"
    assert "as engine 'compiled' has no" in run.why
    expected = tl.train(x, y, params, engine="numpy", **settings)
    assert_losses_agree(run.losses, expected.losses, first=1e-10)


def test_an_object_of_the_tables_own_kind_is_taken():
    x, y, params, _ = small_problem()
    run = tl.train(x, y, params, engine="compiled", activation=Tanh(), loss=SquaredError(), steps=3)
    expected = tl.train(x, y, params, engine="numpy", activation="tanh", loss="squared_error", steps=3)  # fmt: skip
    assert_losses_agree(run.losses, expected.losses, first=1e-12)


class Cautious(GradientDescent):
    """A solver of one's own, of gradient descent's kind: half a step."""

    name = "cautious"

    def step(self, evaluate, params, memory):
        loss, gradients = evaluate(params)
        for (_, w), (_, gradient) in zip(params.items(), gradients.items(), strict=True):
            w -= 0.5 * self.learning_rate * gradient
        return loss


class SignDescent(Solver):
    """A solver of one's own that leaves the span."""

    name = "signs"

    def start(self, params):
        return {}

    def step(self, evaluate, params, memory):
        loss, gradients = evaluate(params)
        for (_, w), (_, gradient) in zip(params.items(), gradients.items(), strict=True):
            w -= 0.01 * np.sign(gradient)
        return loss


@pytest.mark.parametrize("engine", ["compiled", "auto"])
@pytest.mark.parametrize("solver", [Cautious(0.002), SignDescent()])
def test_ones_own_solver(engine, solver):
    x, y, params, _ = small_problem(n_rows=5, n_inputs=400)
    run = tl.train(x, y, params, engine=engine, solver=solver, steps=500)
    expected = tl.train(x, y, params, engine="numpy", solver=solver, steps=500)
    assert_losses_agree(run.losses, expected.losses, first=1e-8)
    if isinstance(solver, SignDescent):
        with pytest.raises(tl.InputError, match="span=True cannot be exact with solver 'signs'"):
            tl.train(x, y, params, engine=engine, solver=solver, span=True)
    else:
        run = tl.train(x, y, params, engine="compiled", solver=solver, span=True, steps=500)
        assert_losses_agree(run.losses, expected.losses, first=1e-8)


# Looking changes nothing


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("n_networks", [None, 2])
def test_the_objective_in_the_span_is_looked_at_without_moving(momentum, n_networks):
    x, y, params, _ = small_problem(n_rows=6, n_inputs=20, n_networks=n_networks)
    problem = checked_problem(x, y, params, checked_objective("squared_error", "tanh", 0.3))
    form, engine = GramSpan(problem, params), CompiledEngine()
    state = engine.prepare(form.problem, form.params, GradientDescent(0.1, momentum), "cpu")
    penalty = problem.objective.penalty(6.0, 6.0)
    plan = BatchPlan(None, np.zeros(4, np.int64), np.full(3, 6.0), np.full(3, penalty))
    engine.advance(state, plan)
    before, snapshot = engine.params(state), state.snapshot()
    values = [engine.objective(state, Batch(None, 6.0, penalty)) for _ in range(2)]
    assert np.array_equal(values[0], values[1])
    assert_weights_agree(engine.params(state), before, 0)
    ahead = engine.advance(state, plan)
    np.testing.assert_array_equal(ahead[0], values[0])
    state.restore(snapshot)
    np.testing.assert_array_equal(engine.advance(state, plan), ahead)
    value, _ = tl.loss_and_gradients(
        x, y, form.recover(before), loss=LOSSES["squared_error"], activation="tanh", alpha=0.3
    )
    np.testing.assert_allclose(values[0], value, rtol=1e-12)
