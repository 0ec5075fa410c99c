"""scikit-learn's estimators from ours and ours from theirs; expected values are what the other package predicts."""

import importlib.util
import warnings

import numpy as np
import pytest
from export_models import CLASSIFIERS, KINDS, fitted, rows, targets
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

import twolayer as tl
from twolayer.errors import InputError

REFUSED = {
    "average": (("number", "relu", False, 3), "cannot hold an average of 3 networks"),
    "skip layer": (("number", "relu", True, 1), "cannot hold a skip layer"),
    "softplus": (("number", "softplus", False, 1), "has no activation 'softplus', only relu, "),
    "gelu": (("number", "gelu", False, 1), "has no activation 'gelu'"),
    "leaky_relu": (("number", "leaky_relu", False, 1), "has no activation 'leaky_relu'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_it_cannot_hold_is_refused_in_words(what, tmp_path):
    which, words = REFUSED[what]
    with pytest.raises(InputError, match=words):
        tl.to_sklearn(fitted(*which), tmp_path / "net.py")
    assert list(tmp_path.iterdir()) == []


def same_bits(one, other):
    pairs = zip(one.items(), other.items(), strict=True)
    return all(p == q and a.tobytes() == b.tobytes() for (p, a), (q, b) in pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_to_the_last_bit(kind):
    model = fitted(kind, "tanh")
    back = tl.from_sklearn(tl.to_sklearn(model))
    assert type(back) is type(model)
    assert same_bits(back.params_, model.params_)
    assert (back.predict(rows()) == model.predict(rows())).all()
    assert (back.n_hidden, back.activation, back.alpha_) == (4, "tanh", 0.1)


def trained(kind, **settings):
    make = MLPClassifier if kind in CLASSIFIERS else MLPRegressor
    if kind == "counts":
        settings["loss"] = "poisson"
    mlp = make(hidden_layer_sizes=(5,), max_iter=30, random_state=0, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mlp.fit(rows(), targets(kind))


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "sgd"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_scikit_learn_trained_predicts_the_same_here_and_can_be_saved(kind, solver, tmp_path):
    mlp = trained(kind, solver=solver)
    model = tl.from_sklearn(mlp)
    tl.save(model, tmp_path / "model.safetensors")
    for ours in model, tl.load(tmp_path / "model.safetensors"):
        assert (ours.w1_ == mlp.coefs_[0]).all()
        assert (ours.b2_ == mlp.intercepts_[1]).all()
        if kind in CLASSIFIERS:
            assert (ours.predict(rows()) == mlp.predict(rows())).all()
            assert np.abs(ours.predict_proba(rows()) - mlp.predict_proba(rows())).max() < 1e-12
        else:
            assert np.abs(ours.predict(rows()) - mlp.predict(rows())).max() < 1e-12


def test_what_is_brought_in_is_a_copy():
    mlp = trained("number")
    model = tl.from_sklearn(mlp)
    before = model.predict(rows())
    mlp.coefs_[0][:] = 0
    assert (model.predict(rows()) == before).all()
    out = tl.to_sklearn(model)
    out.coefs_[0][:] = 0
    assert (model.predict(rows()) == before).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_code_makes_the_same_estimator(kind, tmp_path):
    model = fitted(kind)
    mlp = tl.to_sklearn(model, tmp_path / "net.py")
    spec = importlib.util.spec_from_file_location("net", tmp_path / "net.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert made.mlp.get_params() == mlp.get_params()
    assert set(vars(made.mlp)) == set(vars(mlp))
    assert (made.mlp.predict(rows()) == mlp.predict(rows())).all()
    if kind in CLASSIFIERS:
        assert (made.mlp.predict_proba(rows()) == mlp.predict_proba(rows())).all()


@pytest.mark.parametrize("kind", KINDS)
def test_it_goes_on_learning(kind):
    mlp = tl.to_sklearn(fitted(kind)).set_params(solver="adam", learning_rate_init=0.01)
    losses = [mlp.partial_fit(rows(), targets(kind)).loss_ for _ in range(30)]
    assert losses[-1] < losses[0]


def test_columns_keep_their_names():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows(), columns=list("abcdef"))
    model = tl.TwoLayerRegressor(2, n_networks=1, alpha=1.0, max_iter=3, engine="numpy")
    mlp = tl.to_sklearn(model.fit(frame, targets("number")))
    mlp.predict(frame)  # a warning would be an error
    assert list(tl.from_sklearn(mlp).feature_names_in_) == list("abcdef")


def test_a_network_without_biases_has_zeros_there():
    params = tl.init_params(6, 4, 2, bias=False)
    mlp = tl.to_sklearn(params, activation="tanh")
    assert [b.tolist() for b in mlp.intercepts_] == [[0.0] * 4, [0.0] * 2]
    assert np.abs(mlp.predict(rows()) - tl.forward(rows(), params, "tanh")).max() < 1e-12


FOREIGN = {
    "another estimator": (lambda: LinearRegression(), "got LinearRegression"),
    "not fitted": (lambda: MLPRegressor(), "MLPRegressor is not fitted yet"),
    "two hidden layers": (
        lambda: MLPRegressor(hidden_layer_sizes=(3, 3), solver="lbfgs", max_iter=500, alpha=10).fit(rows(), targets("number")),
        "has 2 hidden layers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FOREIGN)
def test_what_cannot_be_brought_in_is_refused_in_words(what):
    make, words = FOREIGN[what]
    with pytest.raises(InputError, match=words):
        tl.from_sklearn(make())
