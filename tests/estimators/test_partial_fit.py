"""`partial_fit`: it goes on from the weights that are there, and what it learns does not hang on the chunks."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_regression
from sklearn.neural_network import MLPRegressor
from slow_cases import slow

import twolayer as tl
from twolayer import InputError, TwoLayerClassifier, TwoLayerRegressor
from twolayer.errors import ConcurrentFitError, EngineError
from twolayer.estimators.stream_state import ColumnMoments, RowCount


def line(n_rows=300, seed=0):
    x = np.random.default_rng(seed).standard_normal((n_rows, 4))
    return x, 3 * x[:, 0] + x[:, 1]


def passes(model, x, y, size, count):
    for _ in range(count):
        for start in range(0, len(x), size):
            model.partial_fit(x[start : start + size], y[start : start + size])
    return model


def from_file(model, tmp_path):
    tl.save(model, tmp_path / "m.safetensors")
    return tl.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("way", ["fit", "file", "fit after partial_fit"])
@pytest.mark.parametrize("kind", [TwoLayerRegressor, TwoLayerClassifier])
def test_it_goes_on_from_the_weights_that_are_there(tmp_path, kind, way):
    x, y = make_regression(300, 4, noise=10, random_state=0)
    y = y if kind is TwoLayerRegressor else y > 0
    model = kind(alpha=1.0, random_state=0)
    if way == "fit after partial_fit":
        model.partial_fit(x[:50], y[:50])
    model.fit(x[:200], y[:200])
    before = model.score(x[200:], y[200:])
    if way == "file":
        model = from_file(model, tmp_path)
    assert before > 0.9
    assert model.partial_fit(x[:200], y[:200]).score(x[200:], y[200:]) > before - 0.05
    assert model.alpha_ == 1.0


def test_it_goes_on_from_scikit_learns_network():
    x, y = line()
    mlp = MLPRegressor(
        hidden_layer_sizes=(20,), learning_rate_init=0.01, random_state=0, max_iter=300
    ).fit(x, y)
    model = tl.from_sklearn(mlp)
    before = model.score(x, y)
    assert before > 0.9
    assert model.partial_fit(x, y).score(x, y) > before - 0.05


def test_a_stream_goes_on_from_a_file_as_if_it_had_not_ended(tmp_path):
    """One batch per call: nothing is drawn, so that even the weights are the same but for rounding."""
    x, y = line(150)
    model = passes(TwoLayerRegressor(8, alpha=1.0, n_networks=2, random_state=0), x, y, 75, 3)
    other = from_file(model, tmp_path)
    passes(model, x, y, 75, 3)
    passes(other, x, y, 75, 3)
    assert np.allclose(other.w1_, model.w1_, rtol=1e-6)
    assert other.n_iter_ == model.n_iter_ == 12


@pytest.mark.parametrize(
    "first", ["a constant column", "one row", *slow("a constant target", "tiny")]
)
def test_a_first_chunk_settles_nothing(first):
    x, y = line(400)
    start = {"one row": 1, "tiny": 3}.get(first, 50)
    if first == "a constant column":
        x[:50, 0], y[:50] = 0.0, x[:50, 1]
    if first == "a constant target":
        y[:50] = 7.0
    model = TwoLayerRegressor(20, alpha=1e-3, n_networks=1, random_state=0)
    model.partial_fit(x[:start], y[:start])
    rest = slice(50, None)
    passes(model, x[rest], y[rest], 50, 60)
    assert model.score(x[rest], y[rest]) > 0.95


@pytest.mark.slow
def test_alpha_does_not_hang_on_the_size_of_chunks():
    """As strong as it is, it holds the slope where ridge regression of all rows has it, up to the noise of the steps."""
    x, y = line(400)
    scores = [
        passes(
            TwoLayerRegressor(20, alpha=300.0, n_networks=1, random_state=0),
            x,
            y,
            size,
            1600 // (400 // size),
        ).score(x, y)
        for size in (400, 50)
    ]
    assert scores[0] < 0.9
    assert abs(scores[0] - scores[1]) < 0.1


def test_labels_by_batches_with_classes_as_scikit_learn_takes_them():
    x = np.random.default_rng(0).normal(size=(200, 4))
    y = (x[:, :3] > 0).astype(int)
    model = TwoLayerClassifier(10, random_state=0)
    for _ in range(40):
        model.partial_fit(x, y, classes=np.arange(3))
    assert model.score(x, y) > 0.6
    assert model.predict(x).shape == (200, 3)
    with pytest.raises(InputError, match=r"y must have 3 columns"):
        TwoLayerClassifier(10).partial_fit(x, y[:, :2], classes=np.arange(3))


def test_classes_stay_what_they_were():
    x, y = load_iris(return_X_y=True)
    model = TwoLayerClassifier(4, alpha=1.0, random_state=0).fit(x, y)
    model.partial_fit(x[:20], y[:20], classes=[2, 1, 0])
    with pytest.raises(InputError, match=r"classes were \[0, 1, 2\] before, and are \[0, 1\] now"):
        model.partial_fit(x[:20], y[:20], classes=[0, 1])


def test_another_network_is_refused():
    x, y = line(50)
    model = TwoLayerRegressor(4, alpha=1.0, random_state=0).fit(x, y)
    with pytest.raises(
        InputError, match=r"were \(4, False\), and the settings ask for \(5, False\)"
    ):
        model.set_params(n_hidden=5).partial_fit(x, y)


@pytest.mark.parametrize("sizes", [(1, 1, 98), (50, 50), (7, 93)])
def test_moments_of_chunks_are_those_of_all_rows(sizes):
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(5, 2, 100), np.full(100, 0.1), rng.normal(1e6, 1e-2, 100)])
    s = rng.uniform(0.5, 2, 100)
    moments, start = None, 0
    for size in sizes:
        part = ColumnMoments.from_rows(x[start : start + size], s[start : start + size], "X")
        moments, start = part if moments is None else moments.joined(part), start + size
    assert np.allclose(moments.mean, np.average(x, axis=0, weights=s), rtol=1e-12)
    variance = np.average((x - moments.mean) ** 2, axis=0, weights=s)
    assert np.allclose(moments.spread[[0, 2]] ** 2, variance[[0, 2]], rtol=1e-6)
    assert moments.scaling().constant.tolist() == [False, True, False]


@pytest.mark.parametrize(("n_rows", "near"), [(10, 0), (1000, 0), (30_000, 0.1)])
def test_rows_are_counted_once(n_rows, near):
    x = np.arange(n_rows, dtype=float)[:, None]
    y = np.zeros(n_rows)
    count = RowCount()
    for part in np.array_split(np.arange(n_rows), 3):
        count = count.joined(x[part], y[part]).joined(x[part], y[part])
    assert count.value() == pytest.approx(n_rows, rel=near)


def test_values_of_any_size_are_followed():
    x, y = line(100)
    model = passes(TwoLayerRegressor(10, alpha=1.0, random_state=0), 1e200 * x, y, 50, 30)
    plain = passes(TwoLayerRegressor(10, alpha=1.0, random_state=0), x, y, 50, 30)
    assert np.allclose(model.predict(1e200 * x), plain.predict(x), rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("inputs.spread", np.array([-1.0, 1, 1, 1]), "numbers that cannot be"),
        ("inputs.mean", np.zeros(3), "not of the shape"),
        ("mean.w1", np.full((4, 8), np.nan), "numbers that cannot be"),
        ("steps", np.array(0.0), "numbers that cannot be"),
        ("marks", np.array([2, 1], dtype=np.uint64), "not numbers in order"),
        ("other", np.zeros(1), "unknown"),
    ],
)
def test_a_forged_stream_is_refused(tmp_path, monkeypatch, name, value, said):
    x, y = line(50)
    model = TwoLayerRegressor(8, alpha=1.0, n_networks=1, random_state=0).partial_fit(x, y)
    arrays = {**model.stream_.arrays(), name: value}
    monkeypatch.setattr(type(model.stream_), "arrays", lambda self: arrays)
    tl.save(model, tmp_path / "m.safetensors")
    with pytest.raises(tl.FileError, match=said):
        tl.load(tmp_path / "m.safetensors")


def test_a_callback_sees_every_pass_in_the_users_own_units():
    x, y = line(60)
    x, y = 7 * x + 3, y + 100
    seen = []
    model = TwoLayerRegressor(
        6, alpha=1.0, n_networks=1, random_state=0,
        callback=lambda progress: seen.append((progress.params(), progress.predict(x))),
    )  # fmt: skip
    passes(model, x, y, 30, 2)
    assert len(seen) == 4 == model.n_iter_ == len(model.loss_curve_)
    params, predicted = seen[-1]
    assert np.allclose(tl.forward(x, params)[:, 0], model.predict(x), rtol=1e-9)
    assert np.allclose(predicted, model.predict(x), rtol=1e-9)


def test_a_pass_that_diverges_leaves_the_model_as_it_was():
    x, y = line(60)
    model = passes(TwoLayerRegressor(6, alpha=1.0, n_networks=1, random_state=0), x, y, 60, 3)
    before, steps = model.predict(x), model.stream_.memory["steps"]
    moment = {name: w.copy() for name, w in model.stream_.memory["mean"].items()}
    model.set_params(learning_rate_init=1e200)
    with np.errstate(over="ignore", invalid="ignore"), pytest.raises(tl.DivergedError):
        passes(model, x, y, 30, 5)
    assert model.stream_.memory["steps"] == steps
    assert all(np.array_equal(w, moment[name]) for name, w in model.stream_.memory["mean"].items())
    assert np.array_equal(model.predict(x), before)


def test_a_callback_cannot_fit_the_model_that_calls_it():
    x, y = line(30)
    model = TwoLayerRegressor(4, alpha=1.0, n_networks=1, random_state=0)
    model.set_params(callback=lambda progress: model.partial_fit(x, y))
    with pytest.raises(ConcurrentFitError, match="is being fitted already"):
        model.partial_fit(x, y)


@pytest.mark.parametrize("n_rows", [5, 2000])
def test_a_pass_is_the_same_by_numpy_and_by_machine_code(n_rows):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_rows, 6))
    settings = {"n_hidden": 10, "alpha": 1.0, "random_state": 0}
    here, there = (tl.TwoLayerRegressor(engine=name, **settings) for name in ("numpy", "auto"))
    for _ in range(2):
        for model in (here, there):
            model.partial_fit(x, x[:, 0])
    np.testing.assert_allclose(there.predict(x), here.predict(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("spread", [0.1, 1e-3, 1e-6, 0.0])
@pytest.mark.parametrize("n_first", [1, 5])
def test_few_first_rows_close_together_do_no_harm(spread, n_first):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2000, 3))
    x[:n_first] = x[0] + spread * rng.standard_normal((n_first, 3))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2]
    model = TwoLayerRegressor(20, n_networks=2, random_state=0).partial_fit(
        x[:n_first], y[:n_first]
    )
    for _ in range(30):
        for start in range(0, 2000, 200):
            model.partial_fit(x[start : start + 200], y[start : start + 200])
    assert model.score(x, y) > 0.9


def test_many_rows_before_keep_what_was_learned():
    """A far value in a later chunk makes the spread large, and the weights with it: what they say stays."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3000, 2))
    model = TwoLayerRegressor(10, n_networks=1, random_state=0)
    for _ in range(10):
        model.partial_fit(x, x[:, 0])
    told = model.predict(x[:100])
    model.partial_fit(np.array([[20.0, 0.0], [0.0, 20.0]]), np.array([20.0, 0.0]))
    np.testing.assert_allclose(model.predict(x[:100]), told, atol=0.3)


def test_an_engine_that_is_not_there_is_told():
    with pytest.raises(EngineError, match="there is no engine 'bogus'"):
        TwoLayerRegressor(3, engine="bogus").partial_fit(np.eye(4), np.arange(4.0))


def test_what_a_fit_of_few_rows_has_learned_stays():
    """Later rows spread wider, in a column that was the same in all of them too: no weight is drawn anew, or shrunk."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.standard_normal((40, 2)), np.ones(40)])
    model = TwoLayerRegressor(10, alpha=0.1, learning_rate_init=1e-9, random_state=0)
    model.fit(x, x[:, 0])
    wide = 10 * rng.standard_normal((50, 3))
    told = model.predict(np.vstack([x, wide]))
    model.partial_fit(wide, wide[:, 0])
    np.testing.assert_allclose(model.predict(np.vstack([x, wide])), told, atol=1e-4)
