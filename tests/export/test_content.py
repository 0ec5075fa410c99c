"""What can be exported, and what is refused, in words, before anything is written."""

import numpy as np
import pytest
from export_models import fitted, rows, targets

import twolayer as tl
from twolayer.errors import EngineError, InputError, TwoLayerWarning
from twolayer.export import content
from twolayer.export.content import export_content

PARAMS = tl.init_params(3, 2, 1)
EXPORTS = {
    "onnx": tl.to_onnx, "torch": tl.to_torch, "sklearn": tl.to_sklearn, "numpy": tl.to_numpy_code
}  # fmt: skip


def sine():
    return tl.OwnActivation(np.sin, np.cos, name="sine")


REFUSED = {
    "not fitted": (lambda: tl.TwoLayerRegressor(), {}, "TwoLayerRegressor is not fitted yet"),
    "no model": (lambda: 3, {}, "got int"),
    "own activation": (
        lambda: PARAMS,
        {"activation": sine()},
        "'sine' cannot be exported, because other programs do not have it: fit with one of relu",
    ),
    "unknown activation": (lambda: PARAMS, {"activation": "rely"}, "did you mean 'relu'"),
    "activation of an estimator": (
        lambda: fitted("number"),
        {"activation": "relu"},
        "is for Params",
    ),
    "unknown dtype": (lambda: PARAMS, {"dtype": "float16"}, "dtype must be"),
    "too large for float32": (
        lambda: tl.Params([[1e300]], None, [[1.0]], None),
        {"dtype": "float32"},
        "too large for float32",
    ),
    "not finite": (lambda: tl.Params([[np.nan]], None, [[1.0]], None), {}, "w1 has 1 value"),
    "side by side": (lambda: tl.init_params(3, 2, 1, n_networks=4), {}, "4 networks side by side"),
}


@pytest.mark.parametrize("form", EXPORTS)
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_exported_is_refused_by_every_form(form, what):
    make, how, words = REFUSED[what]
    with pytest.raises(InputError, match=words):
        EXPORTS[form](make(), **how)


def test_a_run_knows_its_activation():
    x, y = rows()[:, :3], targets("numbers")[:, :1]
    run = tl.train(x, y, PARAMS, activation="tanh", steps=3, engine="numpy")
    assert export_content(run).activation == "tanh"
    assert (export_content(run).params.w1 == run.params.w1).all()
    own = tl.train(x, y, PARAMS, activation=sine(), steps=3, engine="numpy")
    with pytest.raises(InputError, match="there is no activation 'sine': choose one of relu"):
        export_content(own)


def test_params_have_relu_unless_another_activation_is_given():
    assert export_content(PARAMS).activation == "relu"
    assert export_content(PARAMS, "gelu").activation == "gelu"


@pytest.mark.parametrize("mean", [10.0, 1e4])
def test_a_column_with_a_mean_far_above_its_spread_gives_a_warning_in_float32(mean):
    model = tl.TwoLayerRegressor(4, n_networks=1, alpha=0.1, engine="numpy", random_state=0)
    model.fit(rows() + mean, targets("number"))
    export_content(model)  # a warning would be an error
    if mean < 100:
        export_content(model, dtype="float32")
        return
    with pytest.warns(TwoLayerWarning, match="hidden units are right to about .*e-0. only"):
        content_32 = export_content(model, dtype="float32")
    x = (rows() + mean).astype("float32")
    expected = model.predict(x)
    in_float32 = tl.forward(x, content_32.params)[:, 0]
    assert np.abs(in_float32 - expected).max() > 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(("form", "library"), [("onnx", "onnx"), ("torch", "torch")])
def test_a_library_that_is_missing_is_named_with_the_way_to_get_it(form, library, monkeypatch):
    monkeypatch.setattr(content, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=rf"pip install 'twolayer\[{library}\]'"):
        EXPORTS[form](PARAMS)


def test_columns_and_classes_are_in_the_metadata():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows(), columns=["a", "b", "ü", "d", 'quote"', "f"])
    model = tl.TwoLayerClassifier(2, n_networks=1, alpha=1.0, max_iter=3, engine="numpy")
    metadata = export_content(model.fit(frame, targets("two classes"))).metadata()
    assert metadata == {
        "activation": "relu",
        "columns": '["a", "b", "ü", "d", "quote\\"", "f"]',
        "classes": '["no", "yes"]',
    }
