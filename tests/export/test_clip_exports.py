"""Networks that see clipped columns in other programs' forms: every form predicts what the model does, or says it cannot."""

import functools
import importlib.util

import numpy as np
import pytest
from export_models import (
    CLASSIFIERS,
    KINDS,
    TOLERANCES,
    exported_predictions,
    own_predictions,
    rows,
    run_onnx,
    targets,
)

import twolayer as tl
from twolayer import InputError, TwoLayerWarning

SHAPES = [
    ("auto", 3, False),
    ("auto", 2, True),
    ("smooth_clip", 1, True),
    ("smooth_clip", 3, False),
]
FORMS = ("onnx", "torch", "numpy")
LIBRARIES = {"onnx": ["onnx", "onnxruntime"], "torch": ["torch"]}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@functools.cache
def fitted(kind, scaling, n_networks, skip):
    make = tl.TwoLayerClassifier if kind in CLASSIFIERS else tl.TwoLayerRegressor
    model = make(
        4, scaling=scaling, skip=skip, n_networks=n_networks, alpha=0.1, max_iter=20, engine="numpy",
        random_state=0,
    )  # fmt: skip
    if kind == "counts":
        model.set_params(loss="poisson")
    return model.fit(rows(), targets(kind))


@pytest.fixture(params=FORMS)
def form(request):
    for library in LIBRARIES.get(request.param, ()):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    return request.param


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_the_export_predicts_what_the_model_does(form, kind, shape, dtype):
    model = fitted(kind, *shape)
    x = rows(dtype)
    actual, expected = exported_predictions(form, model, x, dtype=dtype), own_predictions(model, x)
    for name, array in actual.items():
        if name == "label":
            assert (array == expected[name]).all()
            continue
        scale = max(1, np.abs(expected[name]).max())
        tolerance = 0 if form == "numpy" and dtype == "float64" else TOLERANCES[dtype]
        assert np.abs(array - expected[name]).max() <= max(tolerance, 1e-14) * scale


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("far", [1e6, 1e30])
def test_values_far_out_are_clipped_everywhere(form, far, dtype):
    model = fitted("number", "smooth_clip", 3, False)
    x = np.sign(rows(dtype)) * np.asarray(far, dtype)
    actual = exported_predictions(form, model, x, dtype=dtype)
    expected = own_predictions(model, x)
    for name, array in actual.items():
        assert np.isfinite(array).all()
        assert np.abs(array - expected[name]).max() <= 10 * TOLERANCES[dtype]


def test_the_code_reads_its_arrays_from_the_file_beside_it(tmp_path, monkeypatch):
    monkeypatch.setattr("twolayer.export.numpy_code.MAX_INLINE_WEIGHTS", 1)
    model = fitted("number", "auto", 3, False)
    code = tl.to_numpy_code(model, tmp_path / "net.py")
    space = {"__file__": str(tmp_path / "net.py")}
    exec(code, space)
    np.testing.assert_allclose(space["predict"](rows()), model.predict(rows()), rtol=1e-14)
    assert "1 of which see clipped columns" in code


def test_a_program_of_torch_clips(tmp_path):
    torch = pytest.importorskip("torch")
    model = fitted("classes", "auto", 3, False)
    tl.to_torch(model, tmp_path / "m.pt2")
    program = torch.export.load(tmp_path / "m.pt2").module()
    with torch.no_grad():
        logits = program(torch.from_numpy(rows())).numpy()
    difference = logits - model.decision_function(rows())
    assert np.abs(difference - difference[:, :1]).max() < 1e-12


@pytest.mark.parametrize("scaling", ["auto", "smooth_clip"])
def test_torch_modules_that_clip_are_no_params(scaling):
    pytest.importorskip("torch")
    module = tl.to_torch(fitted("number", scaling, 3, False))
    with pytest.raises(InputError, match="clips its columns, and Params are weights only"):
        tl.from_torch(module)


def test_scikit_learn_cannot_hold_a_clip():
    with pytest.raises(InputError, match=r"cannot hold the clip .*fit with scaling='standard'"):
        tl.to_sklearn(fitted("number", "smooth_clip", 1, True))


def test_a_log_of_counts_far_from_0_is_checked_where_the_columns_lie():
    pytest.importorskip("onnxruntime")
    x = rows() + 1000.0
    y = np.random.default_rng(1).poisson(np.exp(rows()[:, 0]))
    model = tl.TwoLayerRegressor(4, loss="poisson", scaling="smooth_clip", alpha=0.1, max_iter=20)
    model.fit(x, y)
    actual = run_onnx(tl.to_onnx(model), x)["y_pred"]
    np.testing.assert_allclose(actual, model.predict(x), rtol=1e-9)


def test_float32_warns_of_centers_far_above_their_scales():
    x = np.c_[rows()[:, 0] + 1e6, rows()[:, 1:]]
    model = tl.TwoLayerRegressor(4, scaling="smooth_clip", n_networks=1, alpha=0.1, max_iter=20)
    model.fit(x, targets("number"))
    with pytest.warns(TwoLayerWarning, match="float32"):
        tl.to_numpy_code(model, dtype="float32")


def test_float32_refuses_scales_below_its_numbers():
    x = rows() * np.array([1, 1, 1e-50, 1, 1, 1])
    model = tl.TwoLayerRegressor(4, scaling="smooth_clip", n_networks=1, alpha=0.1, max_iter=20)
    model.fit(x, targets("number"))
    with pytest.raises(InputError, match=r"column 2 .* varies too little for float32"):
        tl.to_numpy_code(model, dtype="float32")
