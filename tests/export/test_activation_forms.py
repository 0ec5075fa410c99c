"""Every activation has a row in the table of forms; a new one needs its class and a row, and without the row a clear error."""

import importlib.util

import numpy as np
import pytest
from export_models import TOLERANCES, exported_predictions, rows, targets

import twolayer as tl
from twolayer.errors import InputError
from twolayer.export.activation_forms import ACTIVATION_FORMS, ActivationForm
from twolayer.maths.activations import ACTIVATIONS, Activation

LIBRARIES = {"onnx": "onnxruntime", "torch": "torch"}
EXPORTS = {
    "onnx": tl.to_onnx, "torch": tl.to_torch, "sklearn": tl.to_sklearn, "numpy": tl.to_numpy_code
}  # fmt: skip


class Softsign(Activation):
    """a = h / (1 + |h|);  da/dh = 1 / (1 + |h|)²."""

    name = "softsign"

    def value(self, h, xp=np):
        return h / (1 + xp.abs(h))

    def derivative(self, h, a, xp=np):
        return 1 / xp.square(1 + xp.abs(h))


@pytest.fixture
def planted(monkeypatch):
    """One more activation in the package, without a row."""
    monkeypatch.setitem(ACTIVATIONS, "softsign", Softsign())


def models():
    params = tl.init_params(6, 4, 1, random_state=0)
    run = tl.train(
        rows(), targets("number"), params, activation="softsign", steps=2, engine="numpy"
    )
    estimator = tl.TwoLayerRegressor(
        4, activation="softsign", n_networks=1, alpha=0.1, max_iter=5, engine="numpy"
    )
    return [
        (params, {"activation": "softsign"}),
        (run, {}),
        (estimator.fit(rows(), targets("number")), {}),
    ]


def skip_without_library(form):
    if form in LIBRARIES and importlib.util.find_spec(LIBRARIES[form]) is None:
        pytest.skip(f"{LIBRARIES[form]} is not installed")


def test_every_activation_has_a_row_and_every_row_an_activation():
    assert list(ACTIVATION_FORMS) == list(ACTIVATIONS)


@pytest.mark.parametrize("form", EXPORTS)
def test_an_activation_without_a_row_is_refused_by_every_form(form, planted, tmp_path):
    skip_without_library(form)
    for model, settings in models():
        with pytest.raises(
            InputError, match=r"activation 'softsign' cannot be exported.*one of relu"
        ):
            EXPORTS[form](model, tmp_path / "net.py", **settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("form", ["onnx", "torch", "numpy"])
def test_one_row_is_enough_for_every_form(form, dtype, planted, monkeypatch):
    skip_without_library(form)
    row = ActivationForm(
        "return h / (1 + np.abs(h))",
        lambda graph, h: graph("Div", h, graph("Add", graph("Abs", h), 1.0)),
        lambda nn: nn.Softsign(),
    )
    monkeypatch.setitem(ACTIVATION_FORMS, "softsign", row)
    params, settings = models()[0]
    (y_pred,) = exported_predictions(form, params, rows(dtype), dtype=dtype, **settings).values()
    expected = tl.forward(rows(), params, "softsign")
    assert np.abs(y_pred - expected).max() <= TOLERANCES[dtype]
    with pytest.raises(InputError, match="scikit-learn's MLP has no activation 'softsign'"):
        tl.to_sklearn(params, **settings)
    if form == "torch":
        assert tl.from_torch(tl.to_torch(params, **settings))[1] == "softsign"
