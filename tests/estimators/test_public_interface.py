"""What can be read from a fitted estimator, beside its own predictions; and that no other room reads more than that."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.exceptions import NotFittedError

import twolayer as tl
from twolayer import InputError, Params
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES

PLAIN = {"n_hidden": 4, "alpha": 1.0, "max_iter": 20, "random_state": 0}
SEARCH = {"n_hidden": [3, 4], "alphas": [1.0, 0.1], "cv": 2, "max_iter": 20, "random_state": 0}


def table(n_rows=40, n_inputs=5):
    x = np.random.default_rng(0).standard_normal((n_rows, n_inputs)) * [1, 2, 5, 10, 100] + 3
    return x, x[:, 0] + np.abs(x[:, 1])


def targets(kind):
    """Targets of each kind of problem."""
    _, y = table()
    return {
        "number": y,
        "numbers": np.c_[y, -y],
        "counts": np.round(np.abs(y)),
        "two classes": np.where(y > y.mean(), "high", "low"),
        "three classes": np.digitize(y, np.quantile(y, [0.3, 0.6])),
        "labels": np.c_[y > y.mean(), table()[0][:, 2] > 3].astype(int),
    }[kind]


REGRESSIONS = ["number", "numbers", "counts"]
CLASSIFICATIONS = ["two classes", "three classes", "labels"]


def fitted(kind, search, n_networks=3, activation="tanh", **more):
    family = "Classifier" if kind in CLASSIFICATIONS else "Regressor"
    if kind == "counts":
        more["loss"] = "poisson"
    make = getattr(tl, f"TwoLayer{family}{'CV' * search}")
    settings = {**(SEARCH if search else PLAIN), "n_networks": n_networks, **more}
    return make(activation=activation, **settings).fit(table()[0], targets(kind))


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize("n_networks", [1, 3])
@pytest.mark.parametrize("kind", REGRESSIONS + CLASSIFICATIONS)
def test_outputs_are_those_of_the_networks_on_the_users_columns(kind, n_networks, search):
    model = fitted(kind, search, n_networks, skip=True)
    x, _ = table()
    n_outputs = {"numbers": 2, "three classes": 3, "labels": 2}.get(kind, 1)
    outputs = model.network_outputs(x)
    assert outputs.shape == (n_networks, 40, n_outputs)
    assert outputs.dtype == np.float64
    assert len(model.networks_) == model.n_networks_ == n_networks
    inputs = model.network_inputs(x)
    clipped = [False] * n_networks if model.input_clip_ is None else model.input_clip_.networks
    for one, columns, sees, output in zip(model.networks_, inputs, clipped, outputs, strict=True):
        assert isinstance(one, Params)
        assert one.n_networks is None
        assert (one.n_inputs, one.n_outputs) == (5, n_outputs)
        assert (columns == x).all() != sees
        assert (tl.forward(columns, one, activation="tanh") == output).all()


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize("kind", REGRESSIONS)
def test_predictions_of_numbers_are_the_mean_of_the_outputs(kind, search):
    model = fitted(kind, search)
    x, _ = table()
    outputs = model.network_outputs(x)
    mean = (np.exp(outputs) if kind == "counts" else outputs).mean(axis=0)
    flat = kind in ("number", "counts")
    assert model.predict(x) == pytest.approx(mean[:, 0] if flat else mean)
    assert model.one_target_ is flat
    assert model.several_labels_ is False


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize("kind", CLASSIFICATIONS)
def test_decision_functions_are_those_of_the_mean_probabilities(kind, search):
    model = fitted(kind, search)
    x, _ = table()
    outputs = model.network_outputs(x)
    if kind == "three classes":
        logits = np.log(softmax(outputs, axis=-1).mean(axis=0))
    else:
        logits = logit(expit(outputs).mean(axis=0))
    found = model.decision_function(x)
    assert found == pytest.approx(logits[:, 0] if kind == "two classes" else logits)
    assert model.several_labels_ is (kind == "labels")
    assert model.one_target_ is False


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("number", "squared_error"),
        ("counts", "poisson"),
        ("two classes", "log_loss"),
        ("labels", "binary_log_loss"),
    ],
)
@pytest.mark.parametrize("search", [False, True])
def test_the_activation_and_the_loss_are_objects(kind, loss, search):
    model = fitted(kind, search, activation="softplus")
    assert model.activation_ is ACTIVATIONS["softplus"]
    assert model.loss_function_ is LOSSES[loss]


@pytest.mark.parametrize(
    "name", ["networks_", "activation_", "loss_function_", "several_labels_", "params_"]
)
@pytest.mark.parametrize("make", [tl.TwoLayerRegressor, tl.TwoLayerClassifierCV])
def test_nothing_can_be_read_before_the_fit(make, name):
    with pytest.raises(NotFittedError):
        getattr(make(), name)
    for read in (make().get_fitted_state, lambda: make().network_outputs(table()[0])):
        with pytest.raises(NotFittedError):
            read()


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize("kind", REGRESSIONS + CLASSIFICATIONS)
def test_the_state_restores_the_estimator(kind, search):
    model = fitted(kind, search)
    x, _ = table()
    state = model.get_fitted_state()
    assert not [name for name in state if name.startswith("_") or not name.endswith("_")]
    again = type(model)(**model.get_params()).set_fitted_state(state)
    assert (again.predict(x) == model.predict(x)).all()
    if kind in CLASSIFICATIONS:
        assert (again.predict_proba(x) == model.predict_proba(x)).all()
    assert sorted(again.get_fitted_state()) == sorted(state)
    kept = {name: value for name, value in vars(model).items() if name.endswith("_")}
    for name, value in kept.items():
        np.testing.assert_equal(getattr(again, name), value)


def test_what_follows_from_a_state():
    """The best of a search from its scores, the shape from the weights."""
    model = fitted("number", search=True)
    state = model.get_fitted_state()
    part = {name: state[name] for name in ("params_", "cv_results_")}
    again = tl.TwoLayerRegressorCV(**SEARCH).set_fitted_state(part)
    names = ("n_features_in_", "n_networks_", "alpha_", "n_hidden_", "best_score_", "n_splits_")
    assert [getattr(again, name) for name in names] == [getattr(model, name) for name in names]
    changed = tl.TwoLayerRegressorCV(**SEARCH).set_fitted_state({**state, "one_target_": False})
    assert changed.predict(table()[0]).shape == (40, 1)


@pytest.mark.parametrize("name", ["alpha", "_one_target", "networks_", "loss_function_"])
def test_a_state_holds_fitted_attributes_only(name):
    with pytest.raises(InputError, match=f"fitted attributes; '{name}' is not one"):
        tl.TwoLayerRegressor().set_fitted_state({name: 1})


class Narrow(tl.TwoLayerRegressor):
    """With a default and a setting of its own."""

    def __init__(self, n_hidden=2, note=""):
        super().__init__(n_hidden, alpha=1.0, max_iter=5)
        self.note = note


def test_a_subclass_may_have_settings_of_its_own():
    model = Narrow(note="a").fit(table()[0], targets("number"))
    assert model.get_params() == {"n_hidden": 2, "note": "a"}
    assert model.networks_[0].n_hidden == 2
    assert model.alpha_ == 1.0


PRIVATE_READ = re.compile(r"\b(model|estimator|asked|self\.model|self\.estimator)\._[a-z]")


FITTING = {  # what fits estimators to Dask's tables, and predicts these: it is their own `fit`, kept where Dask is
    f"distributed/{name}.py"
    for name in (
        "column_fit",
        "column_predictions",
        "row_fit",
        "row_input",
        "row_network_fit",
        "table_rows",
    )
}


def test_no_other_room_reads_what_is_private():
    source = Path(tl.__file__).parent
    files = {path.relative_to(source).as_posix(): path for path in source.rglob("*.py")}
    reading = {
        name
        for name, path in files.items()
        if not name.startswith("estimators/") and PRIVATE_READ.search(path.read_text("utf-8"))
    }
    assert reading == FITTING
