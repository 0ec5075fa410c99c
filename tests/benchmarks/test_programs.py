"""What ours is compared with does the work it is said to do."""

import numpy as np
import pytest

import twolayer as tl
from benchmarks import peers, programs
from benchmarks.rotation import rotate


def program(n=8, d=12, h=5, o=3, seed=0):
    rng = np.random.default_rng(seed)
    params = tl.init_params(d, h, o, bias=False, random_state=seed)
    return rng.standard_normal((n, d)), rng.standard_normal((n, o)), params


@pytest.mark.parametrize("peer", ["numpy_program", "numpy_span", "torch_by_hand", "torch_autograd"])
def test_the_peers_run_the_tutorials_program(peer):
    if peer.startswith("torch"):
        pytest.importorskip("torch")
    x, y, params = program()
    losses = tl.train(x, y, params, learning_rate=1e-3, steps=20, engine="numpy").losses
    assert getattr(programs, peer)(x, y, params, 1e-3, 20) == pytest.approx(losses[-1], rel=1e-9)


@pytest.mark.parametrize("peer", ["jax_program", "jax_span"])
def test_the_jax_programs_run_it_too(peer):
    pytest.importorskip("jax", reason="JAX is not part of the test environment")
    x, y, params = program()
    losses = tl.train(x, y, params, learning_rate=1e-3, steps=20, engine="numpy").losses
    assert getattr(programs, peer)(x, y, params, 1e-3, 20)() == pytest.approx(losses[-1], rel=1e-9)


LBFGS = ["scipy_lbfgs", "torch_lbfgs"]


def wide_classes(n=30, d=80, h=5, seed=0):
    rng = np.random.default_rng(seed)
    params = tl.init_params(d, h, 3, scheme="glorot", random_state=seed)
    x, labels = rng.standard_normal((n, d)), rng.integers(0, 3, n)
    settings = {"loss": "log_loss", "solver": "lbfgs", "alpha": 1.0}
    return x, labels, params, 1.02 * tl.train(x, labels, params, steps=200, **settings).final_loss


def get_peer(name):
    if name == "torch_lbfgs":
        pytest.importorskip("torch")
    return getattr(peers, name)


def objective_of(x, labels, params):
    return tl.loss_and_gradients(x, labels, params, loss="log_loss", alpha=1.0)[0]


@pytest.mark.parametrize("peer", LBFGS)
def test_lbfgs_stops_at_the_objective_it_is_given(peer):
    x, labels, params, until = wide_classes()
    reached, end = get_peer(peer)(x, labels, params, 1.0, until)
    assert 0.9 * until < reached <= until
    assert objective_of(x, labels, end) == pytest.approx(reached)


@pytest.mark.parametrize("peer", LBFGS)
def test_lbfgs_on_the_rotated_table_gives_a_network_on_the_table(peer):
    x, labels, params, until = wide_classes()
    reached, end = peers.lbfgs_rotated(get_peer(peer), x, labels, params, 1.0, until)
    assert end.w1.shape == params.w1.shape
    assert 0.9 * until < reached <= until
    assert objective_of(x, labels, end) == pytest.approx(reached)


def test_a_rotated_table_has_the_same_products_and_the_weights_come_back():
    x, _, params, _ = wide_classes()
    rotation = rotate(x, params)
    assert rotation.z.shape == (30, 31)
    assert rotation.z @ rotation.z.T == pytest.approx(x @ x.T)
    assert rotation.z @ rotation.params.w1 == pytest.approx(x @ params.w1)
    assert np.square(rotation.params.w1).sum() == pytest.approx(np.square(params.w1).sum())
    moved = rotation.params.map(lambda w: 0.9 * w)
    moved.w1[:-1] += np.random.default_rng(1).standard_normal(moved.w1[:-1].shape)
    end = rotation.recovered(moved)
    assert x @ end.w1 == pytest.approx(rotation.z @ moved.w1)
    assert np.square(end.w1).sum() == pytest.approx(np.square(moved.w1).sum())
