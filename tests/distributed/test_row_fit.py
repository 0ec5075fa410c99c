"""A fit of a table in blocks of rows is the fit of the same rows in memory."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from row_tables import SAME, classes_table, differences, in_blocks, numbers_table
from slow_cases import slow

import twolayer as tl
from twolayer.distributed import collections
from twolayer.errors import InputError

EQUAL = 1e-8  # relative; the paths of rounding part later than the steps taken here


@pytest.fixture(autouse=True)
def one_thread_and_small_blocks(monkeypatch):
    """Blocks stay as they are cut, and Dask runs in this thread."""
    monkeypatch.setattr(collections, "LEAST_BLOCKS", 10**6)
    with dask.config.set(scheduler="synchronous"):
        yield


def both(kind, x, y, cut, weights=None, fit=None, **settings):
    """The fit in memory, and in blocks."""
    chosen = {**SAME, "alpha": 1.0, **settings}
    fit = fit or {}
    here = kind(**chosen).fit(x, y, weights, **fit)
    there = kind(**chosen).fit(in_blocks(x, *cut), y, weights, **fit)
    return here, there


def assert_same(here, there, limit=EQUAL):
    found = differences(there, here)
    assert max(found.values()) < limit, found
    assert there.stopped_ == here.stopped_
    assert there.n_iter_ == here.n_iter_


@pytest.mark.parametrize("cut", [(400,), (100,), (37,), (1, 199, 200)])
def test_numbers_are_fitted_as_in_memory_for_any_blocks(cut):
    here, there = both(tl.TwoLayerRegressor, *numbers_table(), cut)
    assert_same(here, there)


@pytest.mark.parametrize(
    "settings",
    [
        {"scaling": "smooth_clip"},
        {"loss": "huber"},
        {"loss": "absolute_error", "solver": "gd", "learning_rate_init": 0.05},
        {"solver": "gd", "l1": 0.5, "learning_rate_init": 0.05},
        {"skip": True, "activation": "tanh"},
        {"n_networks": 2},
        *slow({"engine": "auto"}),
    ],
)
def test_settings_mean_the_same(settings):
    here, there = both(tl.TwoLayerRegressor, *numbers_table(), (90,), **settings)
    assert_same(here, there)


def test_several_targets():
    here, there = both(tl.TwoLayerRegressor, *numbers_table(n_outputs=3), (90,))
    assert_same(here, there)
    assert there.n_outputs_ == 3


def test_counts():
    x, y = numbers_table()
    counts = np.random.default_rng(1).poisson(np.exp(0.1 * y))
    here, there = both(tl.TwoLayerRegressor, x, counts, (90,), loss="poisson")
    assert_same(here, there)


@pytest.mark.parametrize("weights", [[1.0, 2.0, 3.0, 0.0], [0.3, 0.01, 0.777, 0.0]])
def test_row_weights(weights):
    """Counts of repeats, and weights in no unit; rows of weight 0 do not count."""
    x, y = numbers_table()
    s = np.resize(weights, len(y))
    here, there = both(tl.TwoLayerRegressor, x, y, (90,), s)
    assert_same(here, there)
    there = tl.TwoLayerRegressor(**SAME, alpha=1.0).fit(
        in_blocks(x, 90), in_blocks(y, 150), in_blocks(s, 7)
    )
    assert_same(here, there)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("class_weight", [None, "balanced", {"low": 3.0}, {"low": 0.0}])
def test_classes(n_classes, class_weight):
    if n_classes == 2 and class_weight == {"low": 0.0}:
        pytest.skip("one class is left")
    x, y = classes_table(n_classes=n_classes)
    y[:200] = np.sort(y[:200])  # some blocks have one class only
    here, there = both(tl.TwoLayerClassifier, x, y, (90,), class_weight=class_weight)
    assert_same(here, there)
    assert there.classes_.tolist() == here.classes_.tolist()


def test_labels_are_smoothed_and_probabilities_calibrated():
    x, y = classes_table(n_classes=3)
    settings = {"label_smoothing": 0.1, "calibrate": True}
    here, there = both(tl.TwoLayerClassifier, x, y, (90,), **settings)
    assert_same(here, there)
    assert there.temperature_ == pytest.approx(here.temperature_, rel=1e-6)


def test_several_labels():
    x, y = numbers_table()
    labels = np.stack([y > 0, y > np.median(y), x[:, 0] > 0], 1).astype(int)
    here, there = both(tl.TwoLayerClassifier, x, labels, (90,))
    assert_same(here, there)
    assert there.several_labels_


@pytest.mark.parametrize("n_rows", [300, *slow(2500)])
def test_alpha_is_chosen_on_the_rows_that_a_fit_in_memory_draws(n_rows):
    x, y = numbers_table(n_rows)
    here, there = both(tl.TwoLayerRegressor, x, y, (90 if n_rows == 300 else 700,), alpha="auto")
    assert_same(here, there)
    np.testing.assert_allclose(there.alphas_tried_, here.alphas_tried_, rtol=1e-6)
    sampled = "of a sample of 2,000 of 2,500 rows" in there.alpha_search_
    assert sampled == (n_rows == 2500)


def test_repeated_rows_are_left_out_together_where_alpha_is_chosen():
    x, y = numbers_table(150)
    x, y = np.concatenate([x, x]), np.concatenate([y, y])
    here, there = both(tl.TwoLayerRegressor, x, y, (90,), alpha="auto")
    assert_same(here, there)


def test_alpha_is_chosen_with_whole_groups_left_out():
    x, y = numbers_table(300)
    groups = np.arange(300) // 10
    here, there = both(tl.TwoLayerRegressor, x, y, (90,), alpha="auto", fit={"groups": groups})
    assert_same(here, there)


@pytest.mark.parametrize("groups", [None, np.arange(400) // 10])
def test_early_stopping_holds_the_same_rows_out(groups):
    for kind, (x, y) in (
        (tl.TwoLayerRegressor, numbers_table()),
        (tl.TwoLayerClassifier, classes_table()),
    ):
        fit = {"groups": groups}
        here, there = both(kind, x, y, (90,), early_stopping=True, n_iter_no_change=3, fit=fit)
        assert_same(here, there)
        np.testing.assert_allclose(there.validation_scores_, here.validation_scores_, rtol=1e-7)
        assert there.best_iter_ == here.best_iter_


@pytest.mark.parametrize("where", ["here", "in blocks"])
def test_rows_for_validation_may_be_here_or_in_blocks(where):
    (x, y), (x_val, y_val) = numbers_table(), numbers_table(100, seed=1)
    model = tl.TwoLayerRegressor(**SAME, alpha=0.01)
    given = in_blocks(x_val, 30) if where == "in blocks" else x_val
    there = tl.TwoLayerRegressor(**SAME, alpha=0.01)
    there.fit(in_blocks(x, 90), y, X_val=given, y_val=y_val)
    here = model.fit(x, y, X_val=x_val, y_val=y_val)
    assert_same(here, there)
    np.testing.assert_allclose(there.validation_scores_, here.validation_scores_, rtol=1e-7)


def test_warm_start_goes_on():
    x, y = numbers_table()
    settings = {**SAME, "alpha": 1.0, "warm_start": True}
    here, there = tl.TwoLayerRegressor(**settings), tl.TwoLayerRegressor(**settings)
    for _ in range(2):
        here.fit(x, y)
        there.fit(in_blocks(x, 90), y)
    assert_same(here, there)
    there.n_hidden = 5
    with pytest.raises(InputError, match="warm_start goes on with the same network"):
        there.fit(in_blocks(x, 90), y)


def test_callbacks_see_the_model_in_the_users_units():
    x, y = numbers_table()
    seen = []

    def callback(progress):
        gradients = progress.gradients()
        seen.append((progress.step, progress.predict(x[:3]), gradients.w1))
        return progress.step >= 4

    settings = {**SAME, "alpha": 1.0, "callback": callback}
    here = tl.TwoLayerRegressor(**settings).fit(x, y)
    in_memory = list(seen)
    seen.clear()
    there = tl.TwoLayerRegressor(**settings).fit(in_blocks(x, 90), y)
    assert there.stopped_ == here.stopped_ == "stopped by the callback"
    for (k, outputs, gradients), (k_here, outputs_here, gradients_here) in zip(
        seen[:4], in_memory[:4], strict=True
    ):
        assert k == k_here
        np.testing.assert_allclose(outputs, outputs_here, rtol=1e-8)
        np.testing.assert_allclose(gradients, gradients_here, rtol=1e-6, atol=1e-9)


def test_two_runs_are_equal_to_the_last_bit():
    x, y = numbers_table()
    with dask.config.set(scheduler="threads", num_workers=4):
        fits = [
            tl.TwoLayerRegressor(**SAME, alpha=1.0).fit(in_blocks(x, 23), in_blocks(y, 50))
            for _ in range(2)
        ]
    assert (fits[0].w1_ == fits[1].w1_).all()
    assert (fits[0].loss_curve_ == fits[1].loss_curve_).all()


def test_data_frames_with_names_and_unknown_lengths():
    x, y = classes_table()
    frame = pd.DataFrame(x, columns=list("abcde")).assign(kind=y)
    table = dd.from_pandas(frame, npartitions=5)
    table = table[table["a"] > -100.0]  # as many rows, which Dask does not know
    columns = list("abcde")
    there = tl.TwoLayerClassifier(**SAME, alpha=1.0).fit(table[columns], table["kind"])
    here = tl.TwoLayerClassifier(**SAME, alpha=1.0).fit(frame[columns], frame["kind"])
    assert_same(here, there)
    assert there.feature_names_in_.tolist() == columns
    assert there.classes_.tolist() == ["low", "middle"]


def test_a_column_of_targets_is_taken_with_scikit_learns_warning():
    from sklearn.exceptions import DataConversionWarning

    x, y = numbers_table()
    with pytest.warns(DataConversionWarning):
        there = tl.TwoLayerRegressor(**SAME, alpha=1.0).fit(in_blocks(x, 90), y[:, None])
    assert there.one_target_


def test_numbers_of_float32_and_whole_numbers_are_taken():
    x, y = numbers_table()
    x32, whole = x.astype(np.float32), np.rint(x).astype(int)
    for table in (x32, whole):
        here, there = both(tl.TwoLayerRegressor, table, y, (90,))
        assert_same(here, there)


def test_auto_is_one_network_of_standardised_columns_trained_by_lbfgs():
    x, y = numbers_table()
    there = tl.TwoLayerRegressor(4, alpha=1.0, random_state=0, max_iter=3, engine="numpy")
    there.fit(in_blocks(x, 90), y)
    assert (there.solver_, there.n_networks_, there.input_clip_) == ("lbfgs", 1, None)


def test_the_progress_is_printed(capsys):
    x, y = numbers_table()
    tl.TwoLayerRegressor(**SAME, alpha=1.0, verbose=1).fit(in_blocks(x, 90), y)
    lines = capsys.readouterr().out.splitlines()
    assert "400 rows in 5 blocks, 5 inputs, 4 hidden units, 1 output" in lines[0]
    assert "step 25 of 25" in " ".join(lines)


def test_the_model_goes_on_by_partial_fit_in_memory():
    x, y = numbers_table()
    there = tl.TwoLayerRegressor(**{**SAME, "solver": "auto"}, alpha=1.0)
    there.fit(in_blocks(x, 90), y).partial_fit(x, y)
    assert there.solver_ == "adam"


def test_a_fitted_model_holds_nothing_of_dask():
    import pickle

    x, y = numbers_table()
    there = tl.TwoLayerRegressor(**SAME, alpha=1.0).fit(in_blocks(x, 90), in_blocks(y, 90))
    assert b"dask" not in pickle.dumps(there)
    assert isinstance(
        da.from_array(x), da.Array
    )  # the check above is about a library that is loaded


def test_rows_of_a_very_large_table_are_held_out_in_its_own_order(monkeypatch):
    """Beyond a million rows their fingerprints stay where they are: other rows are drawn, as good ones."""
    monkeypatch.setattr("twolayer.distributed.table_rows.MOST_ORDERED_ROWS", 100)
    monkeypatch.setattr("twolayer.distributed.row_network_fit.MOST_SEARCH_ROWS", 150)
    x, y = numbers_table()
    settings = {**SAME, "early_stopping": True}
    there = tl.TwoLayerRegressor(**settings).fit(in_blocks(x, 90), y)
    assert "of a sample of 150 of 360 rows" in there.alpha_search_
    assert there.score(x, y) > 0.9
    assert there.best_iter_ > 1
    given = tl.TwoLayerRegressor(**SAME, alpha=1.0, spread=True).fit(in_blocks(x, 90), y)
    assert 0.05 < given.noise_std_[0] < 0.5  # 0.1 is true; 25 steps do not reach it
    assert given.predict(in_blocks(x, 90), return_std=True)[1].compute().shape == (400,)
