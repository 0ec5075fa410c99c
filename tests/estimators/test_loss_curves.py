"""The losses of a fit, and the number of its passes."""

import json
import struct

import numpy as np
import pytest
import scipy.sparse
from sklearn.neural_network import MLPRegressor

import twolayer as tl
from twolayer import plots
from twolayer.estimators.ensemble import loss_curves

X = np.random.default_rng(0).normal(size=(50, 3))
Y = np.abs(X[:, 0])
FIXED = {"alpha": 0.1, "random_state": 0}


@pytest.mark.parametrize("settings", [{}, {"solver": "adam"}, {"solver": "gd"}, {"batch_size": 20}])
@pytest.mark.parametrize("n_networks", [1, 3])
@pytest.mark.parametrize("sparse", [True, False])
def test_one_loss_per_pass_of_all_networks_together(settings, n_networks, sparse):
    x = scipy.sparse.csr_array(X) if sparse else X
    model = tl.TwoLayerRegressor(4, n_networks=n_networks, max_iter=7, tol=0, **settings, **FIXED)
    model.fit(x, Y)
    assert model.loss_curve_.shape == (model.n_iter_,)
    assert model.n_iter_ <= 7
    assert model.network_loss_curves_.shape == (model.n_iter_, n_networks)
    assert np.allclose(model.loss_curve_, model.network_loss_curves_.mean(axis=1))


def test_the_same_unit_as_scikit_learns():
    """Five passes of three batches each."""
    settings = {"batch_size": 20, "max_iter": 5, "random_state": 0, "solver": "adam", "tol": 0}
    ours = tl.TwoLayerRegressor(4, alpha=0.1, **settings).fit(X, Y)
    theirs = MLPRegressor(hidden_layer_sizes=(4,), n_iter_no_change=100, **settings)
    with pytest.warns(match="Maximum iterations"):
        theirs.fit(X, Y)
    assert ours.n_iter_ == theirs.n_iter_ == 5
    assert ours.loss_curve_.shape == np.shape(theirs.loss_curve_)


def test_a_pass_is_the_mean_of_its_steps():
    losses = np.array([[6.0, 1.0], [4.0, 3.0], [5.0, 5.0], [3.0, 9.0]])
    assert loss_curves(losses, 3).tolist() == [[5, 3], [3, 9]]  # the last pass was not finished
    assert loss_curves(losses[:, 0], 2).tolist() == [[5], [4]]
    assert np.array_equal(loss_curves(losses, 1), losses)
    assert loss_curves(np.zeros((0, 2)), 3).shape == (0, 2)


def test_the_best_pass_of_batches():
    model = tl.TwoLayerRegressor(
        4,
        batch_size=15,
        n_networks=2,
        max_iter=9,
        scoring=lambda model, x, y: 1.0,
        **FIXED,
    ).fit(X, Y, X_val=X, y_val=Y)
    assert model.best_iter_.tolist() == [1, 1]  # all scores are equal: the first is kept


@pytest.mark.parametrize("n_networks", [1, 2])
def test_a_file_keeps_the_curves_of_the_networks(tmp_path, n_networks):
    model = tl.TwoLayerRegressor(
        4, n_networks=n_networks, batch_size=20, max_iter=6, early_stopping=True, **FIXED
    ).fit(X, Y)
    tl.save(model, tmp_path / "m.safetensors")
    loaded = tl.load(tmp_path / "m.safetensors")
    for name in ("loss_curve_", "network_loss_curves_", "n_iter_", "best_iter_"):
        assert np.array_equal(getattr(loaded, name), getattr(model, name))


def test_an_earlier_files_name_of_the_best_pass_is_read(tmp_path):
    path = tmp_path / "m.safetensors"
    tl.save(tl.TwoLayerRegressor(4, max_iter=6, early_stopping=True, **FIXED).fit(X, Y), path)
    content = path.read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:end])
    text = header["__metadata__"]["twolayer"]
    assert "best_iter_" in text
    header["__metadata__"]["twolayer"] = text.replace("best_iter_", "best_step_")
    changed = json.dumps(header).encode()
    changed += b" " * (-len(changed) % 8)
    before = tl.load(path).best_iter_
    path.write_bytes(struct.pack("<Q", len(changed)) + changed + content[end:])
    assert np.array_equal(tl.load(path).best_iter_, before)


def test_a_loss_curve_can_be_taken_over():
    """As `get_fitted_state` of an earlier version gave it."""
    model = tl.TwoLayerRegressor(4, max_iter=3, **FIXED).fit(X, Y)
    model.set_fitted_state({"loss_curve_": np.array([3.0, 2.0])})
    assert model.loss_curve_.tolist() == [3, 2]
    assert model.network_loss_curves_.shape == (2, 1)


def test_a_picture_names_its_axis():
    assert plots.loss_curve([2.0, 1.0], xlabel="pass").get_xlabel() == "pass"
    assert plots.loss_curve([2.0, 1.0]).get_xlabel() == "step"
