"""The unit of row weights: repeats count as rows, only ratios matter, and a small change of the weights changes little."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV

from twolayer import InputError, TwoLayerClassifier, TwoLayerClassifierCV, TwoLayerRegressor
from twolayer.errors import TwoLayerWarning
from twolayer.estimators.training_rows import TrainingRows, relative_weights

ONES = np.ones(300)
RANDOM = np.random.default_rng(0).uniform(0.5, 1.5, 300)
HALF_3 = np.repeat([1.0, 3.0], 150)


def with_first(s, weight):
    return np.concatenate([[weight], s[1:]])


@pytest.mark.parametrize(
    "weight", [0.99, 0.999, 0.5, 0.6, 0.123, 1e-9, 1 + 1e-7, 1.01, 1.49, 2.0, 5.5]
)
@pytest.mark.parametrize("s", [ONES, HALF_3, RANDOM], ids=["ones", "1 and 3", "random"])
def test_one_other_weight_changes_no_other_rows_weight_much(s, weight):
    other = relative_weights(with_first(s, weight))
    assert np.allclose(other[1:], relative_weights(s)[1:], rtol=0.02)


@pytest.mark.parametrize("decimals", [1, 2, 3])
def test_rounded_weights_weigh_like_the_exact_ones(decimals):
    rounded = relative_weights(np.round(RANDOM, decimals))
    assert rounded.sum() == pytest.approx(relative_weights(RANDOM).sum(), rel=0.01)


@pytest.mark.parametrize("step", [1e-3, pytest.param(1e-4, marks=pytest.mark.slow)])
def test_the_total_weight_is_continuous(step):
    """From half of the rows of weight 1 to weight 30: no step between neighbours is much larger than the others."""
    totals = [relative_weights(np.repeat([1.0, w], 150)).sum() for w in np.arange(1, 30, step)]
    assert np.abs(np.diff(totals)).max() < 2e5 * step


@pytest.mark.parametrize(
    "s", [ONES, HALF_3, RANDOM, with_first(ONES, 0.97), with_first(HALF_3, 1.1)]
)
@pytest.mark.parametrize("factor", [10, 0.1, 1.37, 1e-300, 1e300, 1 / 3])
def test_only_ratios_matter(s, factor):
    assert np.allclose(relative_weights(s * factor), relative_weights(s), rtol=1e-12)


@pytest.mark.parametrize("factor", [1, 0.1, 1.37])
def test_whole_numbers_count_repeats(factor):
    s = np.random.default_rng(0).integers(0, 5, 300).astype(float)
    assert np.array_equal(relative_weights(s * factor), s)


def test_weights_that_differ_by_hundreds_of_powers_of_ten_have_the_mean_1():
    assert np.allclose(relative_weights(np.array([1e-320, 1e-300, 1.0])), [0, 0, 3])


@pytest.mark.parametrize("kind", [TwoLayerClassifier, TwoLayerRegressor])
def test_one_weight_of_099_is_no_weaker_decay(kind):
    x, y = load_iris(return_X_y=True)
    model = kind(10, alpha=10.0, n_networks=1, random_state=0)
    plain = np.linalg.norm(model.fit(x, y, sample_weight=np.ones(150)).w1_)
    other = np.linalg.norm(model.fit(x, y, sample_weight=with_first(np.ones(150), 0.99)).w1_)
    assert other == pytest.approx(plain, rel=0.05)


@pytest.mark.parametrize("weight", [0.99, 0.999])
def test_folds_have_the_unit_of_the_whole_table(weight):
    """Each fold that has the row of another weight once had a unit of its own, 100 or 1000 times smaller."""
    x, y = make_classification(200, 8, n_informative=5, n_classes=3, random_state=0)
    s = with_first(np.ones(200), weight)
    search = TwoLayerClassifierCV(
        5, alphas=[300.0, 3.0, 0.03], n_networks=1, random_state=0, max_iter=100
    )
    plain = TwoLayerClassifier(5, n_networks=1, random_state=0, max_iter=100)
    grid = GridSearchCV(plain, {"alpha": [300.0, 3.0, 0.03]}, scoring="neg_log_loss")
    for model in (search, grid):
        expected = clone(model).fit(x, y).cv_results_["mean_test_score"]
        scores = model.fit(x, y, sample_weight=s).cv_results_["mean_test_score"]
        assert np.allclose(scores[:2], expected[:2], rtol=0.05)


# ---- classes without weight


def weightless():
    """Three classes, of which the middle one has weight 0."""
    x, y = load_iris(return_X_y=True)
    return x, np.array(["a", "b", "c"])[y], (y != 1) * 1.0


FORMS = [
    TwoLayerClassifier(5, alpha=1.0, n_networks=1, random_state=0),
    TwoLayerClassifier(5, alpha=1.0, n_networks=1, random_state=0, engine="numpy", solver="adam"),
    TwoLayerClassifier(5, n_networks=2, random_state=0),
    TwoLayerClassifier(5, alpha=1.0, random_state=0, class_weight="balanced"),
    TwoLayerClassifier(5, alpha=1.0, random_state=0, early_stopping=True, label_smoothing=0.01),
    TwoLayerClassifierCV(5, alphas=[1.0, 0.1], n_networks=1, random_state=0),
    TwoLayerClassifierCV(5, alphas=[1.0, 0.1], n_networks=1, class_weight={"a": 2}, random_state=0),
]


@pytest.mark.parametrize("model", FORMS)
def test_a_class_without_weight_stays_a_class(model):
    """Its probability is near 0: logistic regression of scikit-learn gives it less than 0.1 too."""
    x, y, s = weightless()
    model = clone(model).fit(x, y, sample_weight=s)
    assert model.classes_.tolist() == ["a", "b", "c"]
    answer = model.predict_proba(x)
    assert answer.shape == (150, 3)
    assert answer[:, 1].max() < 0.1
    assert model.score(x, y, sample_weight=s) > 0.95
    if hasattr(model, "preflight"):
        assert "smallest class has 0" not in str(model.preflight(x, y, s))


def test_a_class_without_weight_in_other_models():
    x, y, s = weightless()
    one = FORMS[0]
    models = [
        CalibratedClassifierCV(one, cv=3),
        VotingClassifier([("one", one)], voting="soft"),
        StackingClassifier([("one", one)], cv=3),
    ]
    for model in models:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the last model of the stack is scikit-learn's
            model.fit(x, y, sample_weight=s)
        assert model.score(x, y, sample_weight=s) > 0.95


def test_one_class_of_three_with_weight_is_refused():
    x, y, s = weightless()
    with pytest.raises(InputError, match="one class only, 'c', in every row of weight above 0"):
        FORMS[0].fit(x, y, sample_weight=s * (y == "c"))


def yes_and_no(n_rows, n_columns, seed):
    """Answers of yes and no, and a target that the first of them makes probable."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (n_rows, n_columns)).astype(float)
    return x, (rng.random(n_rows) < 1 / (1 + np.exp(1.2 - 2.5 * x[:, 0]))).astype(int)


@pytest.mark.parametrize(("n_rows", "n_columns"), [(400, 3), (150, 2)])
def test_a_table_of_few_different_rows_is_learned(n_rows, n_columns):
    """Merged, all equal rows of one class were left out together, and a constant was the best of all networks."""
    x, y = yes_and_no(n_rows, n_columns, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TwoLayerWarning)
        model = TwoLayerClassifier(random_state=0).fit(x, y)
    shares = [y[x[:, 0] == k].mean() for k in (0, 1)]
    for k, share in enumerate(shares):
        assert abs(model.predict_proba(x[x[:, 0] == k])[:, 1].mean() - share) < 0.1


def test_in_such_a_table_a_row_of_weight_3_is_three_rows():
    x, y = yes_and_no(120, 3, 1)
    counts = np.random.default_rng(2).integers(1, 4, len(y))
    weighed = TwoLayerClassifier(random_state=0).fit(x, y, counts)
    repeated = TwoLayerClassifier(random_state=0).fit(np.repeat(x, counts, 0), np.repeat(y, counts))
    assert np.array_equal(weighed.predict_proba(x), repeated.predict_proba(x))


@pytest.mark.parametrize("unit", [1, 0.37])
def test_a_table_of_how_often_each_answer_came_is_learned(unit):
    x, y = yes_and_no(600, 3, 0)
    kinds, counts = np.unique(np.column_stack([x, y]), axis=0, return_counts=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TwoLayerWarning)
        model = TwoLayerClassifier(random_state=0).fit(kinds[:, :3], kinds[:, 3], counts * unit)
    for k in (0, 1):
        p = model.predict_proba(x[x[:, 0] == k])[:, 1].mean()
        assert abs(p - y[x[:, 0] == k].mean()) < 0.1
    rows = TrainingRows(kinds[:, :3], kinds[:, 3], counts * unit / counts.mean()).distinct()
    assert rows.s.sum() == pytest.approx(len(kinds) * unit)


def test_weights_that_are_no_counts_stay_with_their_rows():
    x, y = yes_and_no(200, 2, 3)
    s = np.random.default_rng(4).uniform(0.5, 1.5, 200)
    rows = TrainingRows(x, y, s).distinct()
    assert rows.n_rows == 200
    assert np.array_equal(np.sort(rows.s), np.sort(s))


def test_copies_of_rows_are_merged_where_equal_columns_have_equal_targets():
    x = np.random.default_rng(5).standard_normal((30, 2))
    y = np.arange(30) % 2
    rows = TrainingRows(np.repeat(x, 2, axis=0), np.repeat(y, 2)).distinct()
    assert rows.n_rows == 30
    assert (rows.s == 2).all()
