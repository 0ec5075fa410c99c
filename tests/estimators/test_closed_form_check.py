"""Where the closed form of rows left out does not hold, trainings without them take its place, and a warning says so."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.metrics import log_loss, r2_score
from slow_cases import slow

from twolayer import Huber, InputError, TwoLayerClassifier, TwoLayerRegressor
from twolayer.errors import TwoLayerWarning

TRAINED = "networks are trained without some rows, because what the closed form says of rows left out is off by "


def bent(n_rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, 4))
    return x, x[:, 0] + np.abs(x[:, 1]) + 0.3 * rng.standard_normal(n_rows)


class EndAtOnce:
    every = 3  # steps

    def __call__(self, progress):
        return True


def without_each(model, x, y, method="predict", every=1):
    """What fits without each row, or some of them, say of it."""
    said = []
    for i in range(0, len(y), every):
        kept = np.arange(len(y)) != i
        own = type(model)(**model.get_params()).set_params(alpha=model.alpha_, random_state=1)
        said.append(getattr(own.fit(x[kept], y[kept]), method)(x[i : i + 1])[0])
    return np.array(said)


def test_rows_beyond_hubers_delta_have_no_curvature():
    x, y = bent(60, 0)
    model = TwoLayerRegressor(10, loss=Huber(0.01), n_networks=1, random_state=0).fit(x, y)
    with pytest.warns(TwoLayerWarning, match=TRAINED):
        left_out = model.left_out_predict(x, y)
    true = r2_score(y[::3], without_each(model, x, y, every=3))
    assert r2_score(y[::3], left_out[::3]) == pytest.approx(true, abs=0.1)
    usual = np.sqrt(np.mean((y - left_out) ** 2))
    assert usual / 2 < model.noise_std_ < usual * 2


def test_probabilities_of_nearly_0_and_1_leave_no_curvature():
    x = np.random.default_rng(0).standard_normal((60, 4))
    y = (x[:, 0] + x[:, 1] ** 2 > 1).astype(int)
    model = TwoLayerClassifier(10, alpha=1e-3, n_networks=1, random_state=0).fit(x, y)
    with pytest.warns(TwoLayerWarning, match=TRAINED):
        left_out = model.left_out_predict(x, y, method="predict_proba")
    assert log_loss(y, left_out) < 2 * log_loss(y, without_each(model, x, y, "predict_proba"))
    with pytest.warns(TwoLayerWarning, match="read it as an order of the rows"):
        model.influence(x, y)


def one_row_alone(seed):
    """Six rows of a kind of their own, one of them far off."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.standard_normal((90, 3)), np.arange(90) < 6])
    y = 8 * x[:, 0] + rng.standard_normal(90)
    y[:6] += rng.standard_normal(6) * 10
    y[0] = -30
    return x, y


@pytest.mark.parametrize("seed", [2, *slow(7)])
def test_a_row_that_is_far_off_and_decides_its_own_output(seed):
    x, y = one_row_alone(seed)
    model = TwoLayerRegressor(20, alpha=3, n_networks=2, random_state=0).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        left_out = model.left_out_predict(x, y)[0]
    kept = np.arange(90) > 0
    fits = [
        TwoLayerRegressor(20, alpha=3, n_networks=2, random_state=s).fit(x[kept], y[kept])
        for s in (1, 2)
    ]
    true = np.mean([one.predict(x[:1])[0] for one in fits])
    assert abs(left_out - true) < 0.25 * abs(true - model.predict(x[:1])[0])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"tol": 1.0}, "tol=1 ended the training before its minimum"),
        ({"tol": 0.1}, "tol=0.1 ended the training before its minimum"),
        ({"max_iter": 3}, "the training was cut short after 3 steps"),
        ({"callback": EndAtOnce()}, "the training was cut short after 3 steps"),
    ],
)
def test_a_training_that_ended_far_from_its_minimum(settings, reason):
    """Such fits are not good, but the closed form, which takes them for a minimum, is worse than a constant by far."""
    x, y = bent(50, 0)
    model = TwoLayerRegressor(20, alpha=1, n_networks=1, random_state=0, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
    with pytest.warns(TwoLayerWarning, match=reason):
        left_out = model.left_out_predict(x, y, cv=5)
    with pytest.raises(InputError, match="not the rows that the model was fitted to"):
        model.left_out_predict(x, y[::-1], cv=5)
    with pytest.raises(InputError, match="not the rows that the model was fitted to"):
        model.keep_rows(x, y[::-1])
    with pytest.raises(InputError, match=reason):
        model.influence(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(left_out, model.left_out_predict(x, y, cv=5, refit=True))


def test_the_tol_that_counts_is_that_of_the_fit():
    x, y = bent(80, 0)
    model = TwoLayerRegressor(20, alpha=1, n_networks=1, random_state=0).fit(x, y)
    told = model.left_out_predict(x, y, cv=5)
    np.testing.assert_array_equal(model.set_params(tol=1.0).left_out_predict(x, y, cv=5), told)
    model.fit(x, y).set_params(tol=1e-3)
    with pytest.warns(TwoLayerWarning, match="tol=1 ended"):
        model.left_out_predict(x, y, cv=5)


@pytest.mark.parametrize("settings", [{"tol": 0.01}, {"max_iter": 10}])
def test_a_training_that_ended_near_its_minimum_has_its_closed_form(settings):
    x, y = bent(80, 0)
    model = TwoLayerRegressor(20, alpha=1, random_state=0, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
        true = model.left_out_predict(x, y, cv=5, refit=True)
    assert abs(r2_score(y, model.left_out_predict(x, y, cv=5)) - r2_score(y, true)) < 0.03


def test_a_close_fit_whose_training_was_cut_short():
    """Its closed form goes on to a minimum of the linear view, far from what fits without the rows say."""
    data = load_diabetes()
    x, y = data.data[:100], data.target[:100]
    model = TwoLayerRegressor(alpha=0.1, n_networks=1, max_iter=300, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
    with pytest.warns(TwoLayerWarning, match="because training was cut short, and .*% of each"):
        left_out = model.left_out_predict(x, y)
    assert r2_score(y, left_out) > -1


def test_a_class_without_a_row_of_weight_is_no_doubt():
    """Its logit has no minimum and goes on for ever, and of the others a common shift says nothing."""
    x, y = bent(60, 0)
    y = np.where(np.arange(60) == 0, "only", np.where(y > np.median(y), "high", "low"))
    s = np.where(y == "only", 0.0, 1.0)
    settings = {"alpha": 2, "activation": "tanh", "n_networks": 2, "random_state": 0}
    model = TwoLayerClassifier(5, **settings).fit(x, y, s)
    assert model.left_out_losses_ is not None
    given = {"sample_weight": s, "method": "predict_proba"}
    left_out = model.left_out_predict(x, y, **given)[1:]
    true = model.left_out_predict(x, y, refit=True, **given)[1:]
    assert left_out[:, 2].max() < 0.01
    assert log_loss(y[1:], left_out, labels=model.classes_) == pytest.approx(
        log_loss(y[1:], true, labels=model.classes_), abs=0.03
    )


def test_where_it_holds_nothing_is_trained():
    x, y = bent(80, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TwoLayerWarning)
        model = TwoLayerRegressor(20, alpha=2, activation="tanh", n_networks=2, random_state=0).fit(
            x, y
        )
        left_out = model.left_out_predict(x, y)
    true = without_each(model, x, y, every=8)
    assert r2_score(y[::8], left_out[::8]) == pytest.approx(r2_score(y[::8], true), abs=0.03)


def test_after_partial_fit_nothing_can_be_said():
    x, y = bent(40, 0)
    model = TwoLayerRegressor(10, random_state=0).fit(x, y).partial_fit(x, y)
    for asked in (model.left_out_predict, model.influence):
        with pytest.raises(InputError, match="partial_fit has gone on since the fit"):
            asked(x, y)


def test_fits_without_rows_say_the_same_thing_once():
    x, y = bent(40, 0)
    model = TwoLayerRegressor(10, alpha=1e-4, n_networks=1, max_iter=3, random_state=0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.fit(x, y).left_out_predict(x, y, cv=5, refit=True)
    ends = [str(one.message) for one in said if "max_iter=3" in str(one.message)]
    assert len(ends) == 2  # of the fit, and of all those without some rows
    assert ends[1].endswith("(in 5 of 5 fits without some rows)")


def test_sets_train_fewer_times_without_rows_than_a_question_about_the_rows_does(monkeypatch):
    """And a fit, of which nobody has asked for sets yet, does not."""
    from twolayer.estimators.uncertainty import closed_form_check

    trained, real = [], closed_form_check.trained_without

    def counted(tangent, rows, steps):
        trained.append((tuple(rows), steps))
        return real(tangent, rows, steps)

    monkeypatch.setattr(closed_form_check, "trained_without", counted)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 2))
    y = (x[:, 0] > 0) ^ (np.arange(80) == 7)  # one label is wrong
    model = TwoLayerClassifier(5, alpha=0.01, n_networks=2, random_state=0).fit(x, y)
    assert not trained
    model.work_out_left_out_losses()
    at_fit = trained.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TwoLayerWarning)  # that they are trained
        model.left_out_predict(x, y)
    asked = trained[len(at_fit) :]
    assert len({rows for rows, _ in at_fit}) == 3 < len({rows for rows, _ in asked})
    assert {steps for _, steps in at_fit} == {100}
    assert 300 in {steps for _, steps in asked}
    assert len(at_fit) == 2 * 3
