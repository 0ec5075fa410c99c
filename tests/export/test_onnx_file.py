"""ONNX files: names, shapes, types and metadata as the format's own reader sees them, and the check at export."""

from dataclasses import replace

import numpy as np
import pytest
from export_models import fitted, rows

import twolayer as tl
from twolayer.errors import EngineError, InputError
from twolayer.export import activation_forms, onnx_file
from twolayer.export.activation_forms import ACTIVATION_FORMS

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def described(values):
    """name -> (type, shape)."""
    kinds = {
        number: name.lower() for name, number in onnx.TensorProto.DataType.items()
    }  # fmt: skip
    return {
        value.name: (
            kinds[value.type.tensor_type.elem_type],
            [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim],
        )
        for value in values
    }


OUTPUTS = {
    "number": {"y_pred": ("double", ["n_rows"])},
    "numbers": {"y_pred": ("double", ["n_rows", 2])},
    "counts": {"y_pred": ("double", ["n_rows"])},
    "two classes": {"label": ("string", ["n_rows"]), "probabilities": ("double", ["n_rows", 2])},
    "classes": {"label": ("int64", ["n_rows"]), "probabilities": ("double", ["n_rows", 3])},
    "labels": {"label": ("int64", ["n_rows", 3]), "probabilities": ("double", ["n_rows", 3])},
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_inputs_and_outputs_have_names_types_and_shapes(kind):
    graph = tl.to_onnx(fitted(kind)).graph
    assert described(graph.input) == {"x": ("double", ["n_rows", 6])}
    assert described(graph.output) == OUTPUTS[kind]
    as_float = tl.to_onnx(fitted(kind), dtype="float32").graph
    assert described(as_float.input) == {"x": ("float", ["n_rows", 6])}


def test_the_file_is_the_model_and_says_who_wrote_it(tmp_path):
    path = tmp_path / "net.onnx"
    model = tl.to_onnx(fitted("two classes"), path)
    read = onnx.load(path)
    assert read == model
    assert (read.producer_name, read.producer_version) == ("twolayer", tl.__version__)
    props = {entry.key: entry.value for entry in read.metadata_props}
    assert props == {"activation": "relu", "classes": '["no", "yes"]'}


def test_weights_are_there_to_the_last_bit_under_their_names():
    model = fitted("number", skip=True, n_networks=3)
    read = {
        array.name: onnx.numpy_helper.to_array(array)
        for array in tl.to_onnx(model).graph.initializer
    }
    assert (read["w1"] == model.w1_).all()
    assert (read["w_skip"] == model.w_skip_).all()


@pytest.mark.parametrize("kind", ["number", "classes", "two classes", "labels"])
def test_a_file_that_predicts_something_else_is_never_written(kind, tmp_path, monkeypatch):
    path = tmp_path / "net.onnx"
    path.write_text("precious")
    wrong = replace(ACTIVATION_FORMS["relu"], onnx_nodes=activation_forms.leaky_relu_nodes)
    monkeypatch.setitem(ACTIVATION_FORMS, "relu", wrong)
    with pytest.raises(EngineError, match=r"differ from the model's by .*: nothing is written"):
        tl.to_onnx(fitted(kind), path)
    assert path.read_text() == "precious"


def test_an_error_of_a_millionth_is_seen_in_float64(monkeypatch):
    monkeypatch.setattr(activation_forms, "LEAKY_SLOPE", 0.01 * (1 + 1e-6))
    with pytest.raises(EngineError, match="differ"):
        tl.to_onnx(fitted("classes", "leaky_relu"))


@pytest.mark.parametrize("kind", ["classes", "labels"])
def test_wrong_labels_are_seen_though_the_probabilities_are_right(kind):
    model = fitted(kind)
    expected, probabilities = model.predict(rows()), model.predict_proba(rows())
    onnx_file.check_labels(expected, expected, probabilities, 1e-12)
    wrong = expected.copy()
    wrong[3] = 1 - wrong[3] if kind == "labels" else (wrong[3] + 10) % 30
    with pytest.raises(EngineError, match="other classes"):
        onnx_file.check_labels(wrong, expected, probabilities, 1e-12)
    # at a tie either is right
    onnx_file.check_labels(wrong, expected, np.full_like(probabilities, 0.5), 1e-12)


def test_random_rows_meet_both_sides_of_the_kink_whatever_the_units():
    params = tl.init_params(6, 4, 1)
    params = tl.Params(params.w1 * 1e-9, params.b1 * 50, params.w2, params.b2)
    x = onnx_file.random_rows(params)
    h = x @ params.w1 + params.b1
    assert ((h > 0).any(axis=0) & (h < 0).any(axis=0)).all()


def test_weights_too_large_for_the_format_are_refused(monkeypatch):
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="an ONNX file holds less than 2"):
        tl.to_onnx(tl.init_params(6, 4, 1))


def test_without_onnxruntime_the_model_is_written_unchecked(monkeypatch, tmp_path):
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    monkeypatch.setattr(onnx_file, "check_predictions", None)  # calling it would fail
    tl.to_onnx(tl.init_params(6, 4, 1), tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").stat().st_size > 0
