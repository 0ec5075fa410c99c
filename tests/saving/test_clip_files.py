"""Model files of networks that see clipped columns: equal to the last bit, and refused where they are damaged."""

import json
import struct

import numpy as np
import pytest
import safetensors.numpy
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import twolayer as tl
from twolayer import FileError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3)) * [1, 10, 0.1] + [3, -20, 0]
X[:3, 1] += 2000
Y = np.sin(X[:, 0]) + X[:, 2]
SETTINGS = {"n_hidden": 4, "alpha": 0.3, "max_iter": 30, "random_state": 0}
SHAPES = [("auto", 2), ("auto", 5), ("smooth_clip", 1), ("smooth_clip", 3)]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(scaling="auto", n_networks=3):
    return tl.TwoLayerRegressor(scaling=scaling, n_networks=n_networks, **SETTINGS).fit(X, Y)


@pytest.mark.parametrize(("scaling", "n_networks"), SHAPES)
def test_a_file_predicts_and_goes_on_as_the_model(tmp_path, scaling, n_networks):
    model = fitted(scaling, n_networks)
    tl.save(model, tmp_path / "m.safetensors")
    back = tl.load(tmp_path / "m.safetensors")
    assert back.scaling == scaling
    for name, value in vars(model.input_clip_).items():
        np.testing.assert_array_equal(getattr(back.input_clip_, name), value)
    np.testing.assert_array_equal(back.predict(X), model.predict(X))
    for one in (model, back):
        one._stream_rng = np.random.default_rng(1)
        one.partial_fit(X[:20], Y[:20])
    np.testing.assert_array_equal(back.predict(X), model.predict(X))
    tl.save(back, tmp_path / "again.safetensors")
    np.testing.assert_array_equal(
        tl.load(tmp_path / "again.safetensors").predict(X), model.predict(X)
    )


def parts(model):
    content = tl.saving.model_bytes(model)
    start = 8 + struct.unpack("<Q", content[:8])[0]
    record = json.loads(json.loads(content[8:start])["__metadata__"]["twolayer"])
    return safetensors.numpy.load(content), record


def loaded(tmp_path, arrays, record):
    content = safetensors.numpy.save(arrays, {"twolayer": json.dumps(record)})
    (tmp_path / "m.safetensors").write_bytes(content)
    return tl.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clip.center", None),
        ("clip.scale", None),
        ("clip.center", np.zeros(2)),
        ("clip.center", np.zeros((3, 1))),
        ("clip.center", np.zeros(3, dtype=np.float32)),
        ("clip.center", np.array([0, np.nan, 0])),
        ("clip.scale", np.array([1, np.inf, 1])),
        ("clip.scale", np.array([1, 0.0, 1])),
        ("clip.scale", np.array([1, -1.0, 1])),
        ("clip.more", np.ones(3)),
    ],
)
def test_damaged_arrays_are_refused(tmp_path, name, value):
    arrays, record = parts(fitted())
    if value is None:
        del arrays[name]
    else:
        arrays[name] = value
    with pytest.raises(
        FileError, match="its clip is not a center and a scale above 0 for 3 inputs"
    ):
        loaded(tmp_path, arrays, record)


@pytest.mark.parametrize(
    "networks",
    [None, [], [True], [False] * 3, [True, False, True], [0, 0, 1], ["x"] * 3, "abc", {}, 3],
    ids=str,
)
def test_damaged_networks_are_refused(tmp_path, networks):
    arrays, record = parts(fitted())
    record["facts"]["clipped_networks"] = networks
    if networks is None:
        del record["facts"]["clipped_networks"]
    with pytest.raises(FileError, match="its clipped networks are not the last of 3"):
        loaded(tmp_path, arrays, record)


def test_networks_without_arrays_are_refused(tmp_path):
    arrays, record = parts(fitted())
    del arrays["clip.center"], arrays["clip.scale"]
    with pytest.raises(FileError, match="its clip is not"):
        loaded(tmp_path, arrays, record)


def test_another_scaling_is_refused(tmp_path):
    arrays, record = parts(fitted())
    record["facts"]["settings"]["scaling"] = "other"
    with pytest.raises(FileError, match="there is no scaling 'other'"):
        loaded(tmp_path, arrays, record)


def test_a_file_of_an_earlier_version_is_standard(tmp_path):
    model = fitted("standard")
    arrays, record = parts(model)
    del record["facts"]["settings"]["scaling"]
    back = loaded(tmp_path, arrays, record)
    assert (back.scaling, back.input_clip_) == ("standard", None)
    np.testing.assert_array_equal(back.predict(X), model.predict(X))


@pytest.mark.parametrize(("scaling", "n_networks"), SHAPES)
def test_the_scalers_of_a_pipeline_are_folded_into_the_clip(tmp_path, scaling, n_networks):
    model = tl.TwoLayerRegressor(scaling=scaling, n_networks=n_networks, **SETTINGS)
    pipeline = make_pipeline(MinMaxScaler((-1, 3)), StandardScaler(), model).fit(X, Y)
    tl.save(pipeline, tmp_path / "m.safetensors")
    back = tl.load(tmp_path / "m.safetensors")
    np.testing.assert_allclose(back.predict(X), pipeline.predict(X), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(back.input_clip_.center, np.median(X, axis=0), rtol=1e-9)
