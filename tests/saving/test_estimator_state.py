"""Fitted estimators as files: those that chose alpha, settings that are objects, and files that lie about either."""

import json
import struct

import numpy as np
import pytest
import safetensors.numpy
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import KFold

import twolayer as tl
from twolayer import FileError, InputError, saving
from twolayer.estimators.uncertainty.predictive_spread import PredictiveSpread
from twolayer.solvers.adam import Adam


def through_a_file(model, tmp_path):
    tl.save(model, tmp_path / "m.safetensors")
    return tl.load(tmp_path / "m.safetensors")


def assert_the_same(back, model):
    """Every attribute: the same names, types and numbers, to the last bit."""
    ours, theirs = vars(model), vars(back)
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        other = theirs[name]
        if isinstance(value, PredictiveSpread):
            value, other = value.arrays(), other.arrays()
        if isinstance(value, dict):
            assert list(value) == list(other), name
            assert all(map(same_numbers, value.values(), other.values())), name
        elif isinstance(value, np.ndarray) and value.dtype == object:
            assert value.tolist() == other.tolist(), name
        elif isinstance(value, np.ndarray):
            assert same_numbers(value, other), name
        else:
            assert value == other, name
            assert type(value) is type(other), name


def same_numbers(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


FAST = {"alphas": [0.1, 1.0], "cv": 2, "max_iter": 20, "random_state": 0}


@pytest.mark.parametrize("outputs", [None, 2])
@pytest.mark.parametrize("n_networks", [1, 2])
def test_a_regressor_that_chose_comes_back(tmp_path, outputs, n_networks):
    x, y = load_diabetes(return_X_y=True)
    y = y if outputs is None else np.column_stack([y, x[:, 0]])
    model = tl.TwoLayerRegressorCV([2, 4], n_networks=n_networks, **FAST).fit(x, y)
    back = through_a_file(model, tmp_path)
    assert type(back) is tl.TwoLayerRegressorCV
    assert_the_same(back, model)
    for ours, theirs in zip(
        model.predict(x, return_std=True), back.predict(x, return_std=True), strict=True
    ):
        assert same_numbers(ours, theirs)


def test_a_classifier_that_chose_comes_back(tmp_path):
    frame, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = tl.TwoLayerClassifierCV(3, n_networks=2, **FAST).fit(frame, names)
    back = through_a_file(model, tmp_path)
    assert_the_same(back, model)
    assert same_numbers(back.predict_proba(frame), model.predict_proba(frame))
    assert back.fit(frame, names).best_score_ == model.best_score_


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": tl.Quantile(0.75), "skip": True},
        {"loss": tl.Huber(0.3)},
        {"loss": "poisson", "scoring": "neg_mean_absolute_error"},
        {"class_weight": {0: 2.5, 2: 1}},
        {"class_weight": "balanced", "skip": True},
        {"labels": 3},
    ],
)
def test_every_setting_of_a_search_comes_back(tmp_path, settings):
    x, y = load_diabetes(return_X_y=True)
    given = {name: value for name, value in settings.items() if name != "labels"}
    kind = tl.TwoLayerRegressorCV if "loss" in settings else tl.TwoLayerClassifierCV
    if "class_weight" in settings:
        y = (y // 100).clip(max=2).astype(int)
    if "labels" in settings:
        y = (x[:, 1:4] > 0).astype(int)
    model = kind(2, n_networks=2, **given, **FAST).fit(x, y)
    back = through_a_file(model, tmp_path)
    asked, found = model.get_params(), back.get_params()
    assert repr(asked.pop("loss", 0)) == repr(found.pop("loss", 0))
    assert asked == found
    assert set(vars(back)) == set(vars(model))
    assert same_numbers(back.predict(x), model.predict(x))
    if hasattr(model, "loss"):
        assert same_numbers(
            back.predict(x, return_std=True)[1], model.predict(x, return_std=True)[1]
        )
    else:
        assert same_numbers(back.predict_proba(x), model.predict_proba(x))
    assert np.array_equal(back.fit(x, y).w1_, model.w1_)


def test_what_only_looked_on_is_left_out(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    settings = {**FAST, "cv": KFold(2), "alphas": np.array([1.0, 0.1])}
    model = tl.TwoLayerRegressorCV(
        2, scoring=lambda model, x, y: model.score(x, y), **settings
    ).fit(x, y)
    back = through_a_file(model, tmp_path)
    assert back.cv == 5  # as it is where nothing is said
    assert back.scoring is None
    assert back.alphas == [1.0, 0.1]
    assert back.best_score_ == model.best_score_


def test_scores_without_a_network_are_no_model(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    model = tl.TwoLayerRegressorCV(2, refit=False, **FAST).fit(x, y)
    with pytest.raises(InputError, match="scores and no network: call fit with refit=True"):
        tl.save(model, tmp_path / "m.safetensors")


# ---- the names in the file


WRITTEN_BEFORE = {
    "format": 1,
    "kind": "estimator",
    "versions": {"twolayer": "0.1.0", "numpy": "2.0.0", "python": "3.11.0"},
    "facts": {
        "class": "TwoLayerClassifierCV",
        "settings": {"n_hidden": [1, 2], "n_networks": 1, "activation": "tanh", "class_weight": [["a", 2.0]]},
        "stopped": "converged",
        "found": {"device_": "cpu", "temperature_": 2.0},
        "search": {"n_hidden": [1, 2], "alphas": [1.0, 0.1], "scores": [[[-3.0], [-2.0]], [[-1.0], [-2.0]]]},
        "columns": ["x"],
        "classes": {"type": "text", "values": ["a", "b"]},
        "several_labels": False,
    },
    "about": {"target": "y"},
}  # fmt: skip


def test_a_file_with_the_names_of_format_1_is_read(tmp_path):
    """The record is written out here, so that a renamed entry is noticed; z = 2·tanh(x) − 1 by hand."""
    arrays = {
        "w1": np.array([[1.0, 0.0]]), "b1": np.zeros(2), "w2": np.array([[2.0], [5.0]]), "b2": np.array([-1.0]),
        "losses": np.array([0.7, 0.6]), "final_loss": np.array(0.5),
    }  # fmt: skip
    path = tmp_path / "m.safetensors"
    path.write_bytes(safetensors.numpy.save(arrays, {"twolayer": json.dumps(WRITTEN_BEFORE)}))
    model, about = saving.read_model(path)
    assert (type(model), about) == (tl.TwoLayerClassifierCV, {"target": "y"})
    assert (model.alpha_, model.n_hidden_, model.best_score_, model.n_splits_) == (1.0, 2, -1.0, 1)
    assert (model.loss_, model.n_iter_, model.stopped_) == (0.5, 2, "converged")
    assert model.class_weight == {"a": 2.0}
    probability = 1 / (1 + np.exp(-(2 * np.tanh(0.3) - 1) / 2))  # of "b", with the temperature 2
    frame = pytest.importorskip("pandas").DataFrame({"x": [0.3]})
    assert np.abs(model.predict_proba(frame) - [[1 - probability, probability]]).max() < 1e-15
    assert model.predict(frame).tolist() == ["b" if probability > 0.5 else "a"]


# ---- settings that are objects


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (tl.Huber(delta=2.5), "Huber(delta=2.5)"),
        (tl.Quantile(0.9), "Quantile(level=0.9)"),
        ("huber", "'huber'"),
        (tl.maths.losses.AbsoluteError(), "'absolute_error'"),
    ],
)
def test_losses_come_back_with_their_number(tmp_path, loss, expected):
    x, y = load_diabetes(return_X_y=True)
    model = tl.TwoLayerRegressor(3, loss=loss, alpha=1.0, max_iter=10, random_state=0).fit(x, y)
    back = through_a_file(model, tmp_path)
    assert repr(back.loss) == expected
    assert same_numbers(back.predict(x), model.predict(x))
    assert same_numbers(back.fit(x, y).w1_, model.w1_)  # the same loss: the same weights


def test_a_function_of_ones_own_is_not_saved(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    loss = tl.OwnLoss(lambda a, b: (a - b) ** 2, lambda a, b: 2 * (a - b), name="mine")
    settings = {"alpha": 1.0, "n_networks": 1, "max_iter": 5, "random_state": 0}
    model = tl.TwoLayerRegressor(2, loss=loss, **settings).fit(x, y)
    with pytest.raises(InputError, match=r"loss 'mine' is a function of your own.*set_params"):
        tl.save(model, tmp_path / "m.safetensors")
    before = model.predict(x)
    back = through_a_file(model.set_params(loss="squared_error"), tmp_path)
    assert same_numbers(back.predict(x), before)
    activation = tl.OwnActivation(lambda h: h * 1.0, lambda h: np.ones_like(h), name="line")
    model = tl.TwoLayerRegressor(2, activation=activation, **settings).fit(x, y)
    with pytest.raises(InputError, match="activation 'line' is a function of your own"):
        tl.save(model, tmp_path / "n.safetensors")
    assert not (tmp_path / "n.safetensors").exists()


@pytest.mark.parametrize(
    ("names", "weights"),
    [
        ([0, 1, 2], {0: 1, 2: 2.5}),
        (["a", "b", "c"], {"a": 0.5}),
        ([0, 1, 2], {np.int64(1): np.float64(3)}),
        ([0, 1, 2], "balanced"),
    ],
)
def test_class_weights_come_back_with_their_classes(tmp_path, names, weights):
    """JSON would turn the number 0 into the text "0"."""
    x, y = load_iris(return_X_y=True)
    y = np.array(names)[y]
    model = tl.TwoLayerClassifier(2, class_weight=weights, alpha=1.0, max_iter=3, random_state=0)
    back = through_a_file(model.fit(x, y), tmp_path)
    assert back.class_weight == weights
    assert same_numbers(back.fit(x, y).w1_, model.w1_)


def test_menu_objects_come_back_as_their_names(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    model = tl.TwoLayerRegressor(
        2, activation=tl.maths.activations.Tanh(), solver=Adam(0.01), alpha=1.0, max_iter=5
    ).fit(x, y)
    back = through_a_file(model, tmp_path)
    assert (back.activation, back.solver) == ("tanh", "adam")
    assert same_numbers(back.predict(x), model.predict(x))


# ---- files that lie


def forged(model, *path_and_value):
    """The model's file with one entry of its facts changed, otherwise sound."""
    *path, value = path_and_value
    content = saving.model_bytes(model)
    start = 8 + struct.unpack("<Q", content[:8])[0]
    record = json.loads(json.loads(content[8:start])["__metadata__"]["twolayer"])
    here = record["facts"]
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = value
    return safetensors.numpy.save(safetensors.numpy.load(content), {"twolayer": json.dumps(record)})


@pytest.fixture(scope="module")
def chosen():
    x, y = load_diabetes(return_X_y=True)
    return tl.TwoLayerRegressorCV([2, 3], n_networks=1, spread=False, **FAST).fit(x, y)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("search",), 3, "its entry 'search' is 3"),
        (("search", "n_hidden"), "23", "its entry 'n_hidden' is '23'"),
        (("search", "n_hidden"), [2, 2.5], "n_hidden must be a whole number"),
        (("search", "n_hidden"), [2], "scores are not one number per n_hidden, alpha and fold"),
        (("search", "n_hidden"), [3, 2], "n_hidden and alphas are not in order"),
        (("search", "n_hidden"), [7, 8], "its weights have . hidden units, and the best of the search has ."),
        (("search", "alphas"), [1.0, -1.0], "alphas must be a finite number, at least 0"),
        (("search", "alphas"), [0.1, 1.0], "n_hidden and alphas are not in order"),
        (("search", "alphas"), [1.0, float("nan")], "'search' is damaged: nan is not a finite number"),
        (("search", "scores"), [[1.0]], "scores are not one number per"),
        (("search", "scores"), [[[], []], [[], []]], "scores are not one number per"),
        (("search", "scores"), [[["a"], [1]], [[1], [1]]], "scores"),
        (("search", "scores"), [[[1], [1]], [[float("inf")], [1]]], "'search' is damaged: inf is not"),
        (("search", "scores"), [[[1], [1, 2]], [[1], [1]]], "scores"),
        (("found", "spread_factor_"), [1.0, 2.0], "noise is not one number per output"),
        (("found", "noise_std_"), [-1.0], "noise is not one number per output"),
        (("found",), {}, "noise is missing"),
        (("found", "w1_"), [1.0], "its fitted attributes w1_ are unknown"),
        (("class",), "TwoLayerRegressor", "settings .* are unknown to TwoLayerRegressor"),
    ],
)  # fmt: skip
def test_a_forged_search(tmp_path, chosen, path, value, message):
    (tmp_path / "m.safetensors").write_bytes(forged(chosen, *path, value))
    with pytest.raises(FileError, match=f"cannot be read as a model: .*{message}"):
        tl.load(tmp_path / "m.safetensors")


@pytest.fixture(scope="module")
def bent():
    x, y = load_diabetes(return_X_y=True)
    return tl.TwoLayerRegressor(2, loss=tl.Huber(2.0), alpha=1.0, max_iter=3).fit(x, y)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"loss": "huber", "parameter": -1}, "delta must be a finite number above 0"),
        ({"loss": "huber", "parameter": "2"}, "delta must be a finite number above 0"),
        ({"loss": "huber", "parameter": [2]}, "delta must be a finite number above 0"),
        ({"loss": "huber"}, "its loss is"),
        ({"loss": "huber", "parameter": 1.0, "more": 1}, "its loss is"),
        ({"loss": "poisson", "parameter": 1.0}, "its loss is"),
        ({"loss": "os.system", "parameter": 1.0}, "there is no loss 'os.system'"),
        ({"loss": ["huber"], "parameter": 1.0}, "there is no loss"),
        ("os.system", "there is no loss 'os.system'"),
        ([1], "there is no loss"),
    ],
)
def test_a_forged_loss(tmp_path, bent, value, message):
    (tmp_path / "m.safetensors").write_bytes(forged(bent, "settings", "loss", value))
    with pytest.raises(FileError, match=f"cannot be read as a model: .*{message}"):
        tl.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("value", [[1], [[1]], [[[1], 2]], [[1, "a"]], [[1, -2]], [[1, 2, 3]]])
def test_forged_class_weights(tmp_path, value):
    x, y = load_iris(return_X_y=True)
    model = tl.TwoLayerClassifier(2, class_weight={0: 2}, alpha=1.0, max_iter=2).fit(x, y)
    (tmp_path / "m.safetensors").write_bytes(forged(model, "settings", "class_weight", value))
    with pytest.raises(FileError, match=r"cannot be read as a model: .*class_weight"):
        tl.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("heat", [0, 0.0, 1e-300, 1e100, [1.0]])
def test_a_forged_temperature(tmp_path, heat):
    """Logits are divided by it."""
    model = tl.TwoLayerClassifierCV(2, n_networks=1, **FAST).fit(*load_iris(return_X_y=True))
    (tmp_path / "m.safetensors").write_bytes(forged(model, "found", "temperature_", heat))
    with pytest.raises(FileError, match=r"cannot be read as a model: (its temperature is|temp)"):
        tl.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("value", [3, "yes", None, [True]])
def test_a_forged_skip(tmp_path, bent, value):
    (tmp_path / "m.safetensors").write_bytes(forged(bent, "settings", "skip", value))
    with pytest.raises(FileError, match="cannot be read as a model: its setting 'skip' is"):
        tl.load(tmp_path / "m.safetensors")
