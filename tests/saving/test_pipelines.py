"""A scikit-learn Pipeline of scalers and one estimator, saved and exported as one estimator."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

import twolayer as tl

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) * [1, 10, 0.1, 5] + [3, -20, 0, 100]
X[:, 3] = 7.0  # a constant column
Y = np.sin(X[:, 0]) + 0.1 * X[:, 1]
QUICK = {"max_iter": 20, "random_state": 0}
SCALERS = {
    "standard": [StandardScaler()],
    "standard, not centred": [StandardScaler(with_mean=False)],
    "standard, not scaled": [StandardScaler(with_std=False)],
    "min and max": [MinMaxScaler((-1, 3))],
    "max": [MaxAbsScaler()],
    "robust": [RobustScaler(unit_variance=True)],
    "robust, not centred": [RobustScaler(with_centering=False)],
    "robust, not scaled": [RobustScaler(with_scaling=False)],
    "several": [MinMaxScaler(), RobustScaler(), "passthrough", StandardScaler()],
    "a pipeline inside": [make_pipeline(MaxAbsScaler(), StandardScaler()), MinMaxScaler()],
    "none": [],
}
MODELS = {
    "numbers": (tl.TwoLayerRegressor(4, alpha=0.1, n_networks=1, **QUICK), Y),
    "several numbers": (
        tl.TwoLayerRegressor(4, alpha=0.1, n_networks=2, skip=True, **QUICK),
        np.column_stack([Y, -Y]),
    ),
    "classes": (tl.TwoLayerClassifier(4, alpha=0.1, **QUICK), (Y > 0) + (Y > 1.0).astype(int)),
    "search": (tl.TwoLayerRegressorCV(4, alphas=[0.1, 1.0], cv=2, **QUICK), Y),
}


def predictions(model, x):
    given = [model.predict(x)]
    return [*given, model.predict_proba(x)] if hasattr(model, "predict_proba") else given


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("scalers", SCALERS)
def test_a_file_predicts_what_the_pipeline_does(tmp_path, scalers, model):
    estimator, y = MODELS[model]
    pipeline = make_pipeline(*SCALERS[scalers], estimator).fit(X, y)
    expected = predictions(pipeline, X)
    tl.save(pipeline, tmp_path / "m.safetensors")
    loaded = tl.load(tmp_path / "m.safetensors")
    assert type(loaded) is type(estimator)
    for actual, wanted in zip(predictions(loaded, X), expected, strict=True):
        assert np.allclose(actual, wanted, rtol=1e-9, atol=1e-9)
    for actual, wanted in zip(predictions(pipeline, X), expected, strict=True):
        assert np.array_equal(actual, wanted)  # the pipeline itself is not changed


def test_the_names_of_the_columns_are_kept(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcd"))
    pipeline = make_pipeline(StandardScaler(), MODELS["numbers"][0]).fit(frame, Y)
    tl.save(pipeline, tmp_path / "m.safetensors")
    loaded = tl.load(tmp_path / "m.safetensors")
    assert loaded.feature_names_in_.tolist() == list("abcd")
    assert np.allclose(loaded.predict(frame), pipeline.predict(frame))


def test_a_sparse_table(tmp_path):
    table = scipy.sparse.csr_array(X * (X > 0))
    pipeline = make_pipeline(MaxAbsScaler(), MODELS["numbers"][0]).fit(table, Y)
    tl.save(pipeline, tmp_path / "m.safetensors")
    assert np.allclose(tl.load(tmp_path / "m.safetensors").predict(table), pipeline.predict(table))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            [("squeeze", PCA(2)), ("net", MODELS["numbers"][0])],
            r"step 'squeeze' of the Pipeline, PCA",
        ),
        (
            [("range", MinMaxScaler(clip=True)), ("net", MODELS["numbers"][0])],
            r"step 'range' of the Pipeline, MinMaxScaler, clips values",
        ),
        ([("scale", StandardScaler()), ("line", LinearRegression())], "got LinearRegression"),
    ],
)
@pytest.mark.parametrize("write", [tl.save, tl.to_onnx, tl.to_sklearn])
def test_what_cannot_be_folded_is_refused_by_name(tmp_path, steps, words, write):
    pipeline = Pipeline(steps).fit(X, Y)
    path = tmp_path / "m"
    with pytest.raises(tl.InputError, match=words):
        write(pipeline, *([] if write is tl.to_sklearn else [path]))
    assert not path.exists()


def test_a_pipeline_without_fit_and_a_search_around_it(tmp_path):
    pipeline = make_pipeline(StandardScaler(), MODELS["numbers"][0])
    with pytest.raises(tl.InputError, match="is not fitted yet"):
        tl.save(make_pipeline(StandardScaler(), tl.TwoLayerRegressor()), tmp_path / "m")
    search = GridSearchCV(pipeline, {"twolayerregressor__alpha": [1.0]}, cv=2).fit(X, Y)
    with pytest.raises(tl.InputError, match=r"got GridSearchCV \(give its best_estimator_\)"):
        tl.save(search, tmp_path / "m")
    tl.save(search.best_estimator_, tmp_path / "m")


@pytest.mark.parametrize("model", ["numbers", "several numbers", "classes"])
def test_onnx_and_the_others_take_it(model):
    """to_onnx compares with the estimator by itself where onnxruntime is there."""
    onnxruntime = pytest.importorskip("onnxruntime")
    estimator, y = MODELS[model]
    pipeline = make_pipeline(RobustScaler(), StandardScaler(), estimator).fit(X, y)
    made = tl.to_onnx(pipeline)
    session = onnxruntime.InferenceSession(made.SerializeToString())
    last = session.run(None, {"x": X})[-1]
    assert np.allclose(last, predictions(pipeline, X)[-1], rtol=1e-9, atol=1e-9)
    if model == "numbers":
        assert np.allclose(tl.to_sklearn(pipeline).predict(X), pipeline.predict(X))


def test_a_loaded_pipeline_goes_on_learning_from_its_own_columns(tmp_path):
    rng = np.random.default_rng(0)
    x = 1000 + 100 * rng.standard_normal((200, 3))
    y = (x[:, 0] - 1000) / 100
    pipeline = make_pipeline(StandardScaler(), tl.TwoLayerRegressor(10, alpha=0.1, n_networks=1))
    tl.save(pipeline.fit(x, y), tmp_path / "m.safetensors")
    model = tl.load(tmp_path / "m.safetensors")
    model.partial_fit(x, y)
    np.testing.assert_allclose(model.stream_.inputs.mean, x.mean(axis=0), rtol=1e-6)
    assert model.score(x, y) > 0.95
