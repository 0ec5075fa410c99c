"""calibrate=True: one temperature for all logits, from rows that were held out."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import log_loss

import twolayer as tl
from twolayer.estimators.uncertainty.temperature import PRIOR_ROWS, best_temperature
from twolayer.maths.losses import LOSSES

LOG_LOSS, BINARY = LOSSES["log_loss"], LOSSES["binary_log_loss"]


def drawn(logits, rng):
    """Labels that follow the softmax of these logits, as one-hot rows."""
    p = softmax(logits, axis=1)
    return np.eye(p.shape[1])[(p.cumsum(axis=1) < rng.random((len(p), 1))).sum(axis=1)]


@pytest.mark.parametrize("truth", [0.4, 1.0, 2.5])
@pytest.mark.parametrize("kind", ["one logit", "softmax", "labels"])
def test_it_finds_the_temperature_that_labels_were_drawn_with(kind, truth):
    rng = np.random.default_rng(0)
    z = 2 * rng.standard_normal((20_000, 1 if kind == "one logit" else 3))
    if kind == "softmax":
        found = best_temperature(truth * z, drawn(z, rng), None, LOG_LOSS)
    else:
        y = (rng.random(z.shape) < expit(z)) * 1.0
        found = best_temperature(truth * z, y, None, LOG_LOSS if z.shape[1] == 1 else BINARY)
    assert found == pytest.approx(truth, rel=0.04)


def test_it_is_the_least_of_its_cost_by_brute_force():
    rng = np.random.default_rng(1)
    z = 3 * rng.standard_normal((40, 4))
    y, s = drawn(0.3 * z, rng), rng.uniform(0.5, 2, 40)
    least = 0.5
    for width, n in ((2.5, 5001), (2e-3, 401)):  # thousandths first, then hundredths of them
        grid = least + np.linspace(-width, width, n)
        of_rows = [-(s * (y * log_softmax(z / np.exp(t), axis=1)).sum(axis=1)).sum() for t in grid]
        least = grid[np.argmin(of_rows + 0.5 * PRIOR_ROWS * grid**2)]
    assert np.log(best_temperature(z, y, s, LOG_LOSS)) == pytest.approx(least, abs=3e-4)


def test_a_few_rows_all_predicted_right_are_not_taken_for_certainty():
    z, y = np.array([[2.0], [-2.0], [3.0], [-1.0]]), np.array([[1.0], [0.0], [1.0], [0.0]])
    assert 0.8 < best_temperature(z, y, None, LOG_LOSS) < 1


def noisy(n_rows, n_classes, seed=0):
    """Classes of which a third are named at random."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, 6))
    y = np.digitize(x[:, 0], np.linspace(-1, 1, n_classes + 1)[1:-1])
    wrong = rng.random(n_rows) < 1 / 3
    return x, np.where(wrong, rng.integers(0, n_classes, n_rows), y)


@pytest.mark.parametrize("n_networks", [1, 3])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_networks_that_are_too_sure_lose_less(n_classes, n_networks):
    x, y = noisy(150, n_classes)
    x_new, y_new = noisy(2000, n_classes, seed=1)
    settings = {"alpha": 0.1, "n_networks": n_networks, "random_state": 0}
    plain = tl.TwoLayerClassifier(**settings).fit(x, y)
    model = tl.TwoLayerClassifier(calibrate=True, **settings).fit(x, y)
    assert model.temperature_ > 1.5
    assert not hasattr(plain, "temperature_")
    before = log_loss(y_new, plain.predict_proba(x_new))
    assert log_loss(y_new, model.predict_proba(x_new)) < 0.8 * before
    # nothing else has changed
    np.testing.assert_array_equal(model.w1_, plain.w1_)
    np.testing.assert_array_equal(model.predict(x_new), plain.predict(x_new))
    logits = model.decision_function(x_new)
    np.testing.assert_array_equal(logits, plain.decision_function(x_new))
    cooled = logits / model.temperature_
    expected = softmax(cooled, axis=1) if n_classes > 2 else expit(cooled)
    found = model.predict_proba(x_new)
    np.testing.assert_allclose(found if n_classes > 2 else found[:, 1], expected, rtol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)


def test_the_temperature_is_that_of_the_rows_given_to_stop_by():
    x, y = noisy(150, 3)
    x_val, y_val = noisy(80, 3, seed=2)
    s = np.random.default_rng(3).uniform(0.5, 2, 80)
    model = tl.TwoLayerClassifier(
        alpha=0.1, calibrate=True, early_stopping=True, n_networks=2, random_state=0
    ).fit(x, y, X_val=x_val, y_val=y_val, sample_weight_val=s)
    expected = best_temperature(model.decision_function(x_val), np.eye(3)[y_val], s, LOG_LOSS)
    assert model.temperature_ == pytest.approx(expected, rel=1e-6)


def test_with_alpha_found_it_is_that_of_the_rows_left_out():
    """The networks are then about as sure as they should be."""
    x, y = noisy(150, 3)
    settings = {"n_hidden": 10, "n_networks": 2, "random_state": 0}
    model = tl.TwoLayerClassifier(calibrate=True, **settings).fit(x, y)
    assert 0.7 < model.temperature_ < 1.4
    plain = tl.TwoLayerClassifier(**settings).fit(x, y)
    np.testing.assert_array_equal(model.w1_, plain.w1_)


def test_several_labels_a_row():
    x, _ = noisy(150, 2)
    rng = np.random.default_rng(4)
    y = (x[:, :2] + 1.5 * rng.standard_normal((150, 2)) > 0).astype(int)
    model = tl.TwoLayerClassifier(alpha=0.1, calibrate=True, n_networks=2, random_state=0)
    model.fit(x, y)
    assert model.temperature_ > 1.5
    np.testing.assert_allclose(
        model.predict_proba(x), expit(model.decision_function(x) / model.temperature_), rtol=1e-12
    )


def test_too_few_rows_to_leave_any_out():
    x, _ = noisy(5, 2)
    settings = {"calibrate": True, "random_state": 0}
    assert tl.TwoLayerClassifier(**settings).fit(x, [0, 1, 0, 1, 1]).temperature_ == 1
    assert tl.TwoLayerClassifier(alpha=1.0, **settings).fit(x[:3], [0, 1, 1]).temperature_ == 1


@pytest.mark.parametrize("classes", [2, 3])
def test_with_alpha_given_it_is_that_of_these_networks_without_each_row(classes):
    x, y = noisy(80, classes)
    model = tl.TwoLayerClassifier(10, alpha=3.0, calibrate=True, random_state=0).fit(x, y)
    logits = model.left_out_predict(x, y, method="decision_function")

    def cost(log_t):
        p = (
            expit(logits / np.exp(log_t))
            if classes == 2
            else softmax(logits / np.exp(log_t), axis=1)
        )
        return 80 * log_loss(y, p) + 0.5 * 10 * log_t**2

    best = minimize_scalar(cost, bounds=(-4, 4), method="bounded").x
    assert model.temperature_ == pytest.approx(np.exp(best), rel=1e-3)


def test_it_goes_with_the_next_fit_and_partial_fit_has_none():
    x, y = noisy(60, 2)
    model = tl.TwoLayerClassifier(calibrate=True, alpha=1.0, random_state=0).fit(x, y)
    with pytest.raises(AttributeError) as refused:
        model.partial_fit(x, y)
    assert "partial_fit leaves none out" in str(refused.value.__cause__)
    model.set_params(calibrate=False).partial_fit(x, y)
    assert not hasattr(model, "temperature_")
    model.set_params(calibrate=True).fit(x, y)
    assert hasattr(model, "temperature_")
    model.set_params(calibrate=False).fit(x, y)
    assert not hasattr(model, "temperature_")


def wide(n_rows, seed):
    """Three classes that a table of many columns tells well apart."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) % 3
    x = rng.standard_normal((n_rows, 300))
    x[:, :30] += 1.5 * np.random.default_rng(0).standard_normal((3, 30))[y]
    return x, y


@pytest.mark.parametrize("kind", ["alpha found", "alpha given", "CV"])
def test_by_itself_where_labels_are_smoothed(kind):
    """There networks are less sure than they should be, never more than smoothing lets them."""
    x, y = wide(90, 1)
    x_new, y_new = wide(600, 2)
    settings = {"n_networks": 2, "random_state": 0}
    if kind == "CV":
        model = tl.TwoLayerClassifierCV(10, alphas=[1.0, 10.0], cv=3, **settings).fit(x, y)
    else:
        alpha = "auto" if kind == "alpha found" else 1.0
        model = tl.TwoLayerClassifier(10, alpha=alpha, **settings).fit(x, y)
        plain = tl.TwoLayerClassifier(10, alpha=alpha, calibrate=False, **settings).fit(x, y)
        np.testing.assert_array_equal(plain.w1_, model.w1_)
        assert not hasattr(plain, "temperature_")
        hard = tl.TwoLayerClassifier(10, alpha=alpha, label_smoothing=0, **settings).fit(x, y)
        assert not hasattr(hard, "temperature_")
    assert model.temperature_ < 0.7
    logits = model.decision_function(x_new)
    before = log_loss(y_new, softmax(logits, axis=1))
    assert log_loss(y_new, model.predict_proba(x_new)) < 0.7 * before
    model.set_params(label_smoothing=0.0).fit(x, y)
    assert not hasattr(model, "temperature_")


@pytest.mark.parametrize("given", ["temperature", 1, None])
def test_it_is_yes_or_no(given):
    with pytest.raises(tl.InputError, match="calibrate must be True, False or 'auto'"):
        tl.TwoLayerClassifier(calibrate=given).fit(*noisy(60, 2))


def test_it_comes_back_from_a_file(tmp_path):
    x, y = noisy(60, 2)
    model = tl.TwoLayerClassifier(calibrate=True, alpha=0.1, random_state=0).fit(x, y)
    path = tmp_path / "calibrated.safetensors"
    tl.save(model, path)
    again = tl.load(path)
    assert again.temperature_ == model.temperature_
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
    for wrong in (0.0, [1.0, 2.0]):
        model.temperature_ = wrong
        tl.save(model, path)
        with pytest.raises(tl.FileError, match="temperature"):
            tl.load(path)
