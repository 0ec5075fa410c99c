"""`twolayer export`: a saved model in a form that other programs read."""

from __future__ import annotations

import json
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from twolayer import checks, saving
from twolayer.cli.commands.predict import check_output
from twolayer.errors import InputError, TwoLayerWarning
from twolayer.export import to_numpy_code, to_onnx, to_sklearn, to_torch
from twolayer.export.content import export_content
from twolayer.export.numpy_code import fits_inline
from twolayer.export.torch_layers import loading_code
from twolayer.text import first_names, printable

EXPORT_FORMATS = {
    "onnx": to_onnx,
    "torch": to_torch,
    "sklearn": to_sklearn,
    "numpy": to_numpy_code,
}


def export(
    model: Annotated[Path, typer.Argument(help="A model that twolayer saved.")],
    to: Annotated[str, typer.Option(help="onnx, torch, sklearn, or numpy.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    dtype: Annotated[
        str, typer.Option(help="float64, float32, or auto: as the weights are.")
    ] = "auto",
    activation: Annotated[
        str, typer.Option(help="Of a file that holds weights alone, which does not say.")
    ] = "auto",
) -> None:
    """Write a saved model in a form that other programs read.

    onnx: for onnxruntime and its like, in any language; its predictions are checked. torch: the whole program if FILE ends
    in .pt2, the weights alone if it ends in .pt. sklearn: Python code that makes a fitted MLPClassifier or MLPRegressor.
    numpy: Python code that needs nothing but NumPy. Many weights go to FILE.weights.npz, beside the code.
    """
    checks.one_of(to, EXPORT_FORMATS, "form to export to")
    check_output(out, model)
    check_output(out.with_suffix(".weights.npz"), model)  # which many weights go to
    source, about = saving.read_model(model)
    how = {
        "activation": None if activation == "auto" else activation,
        "dtype": None if dtype == "auto" else dtype,
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TwoLayerWarning)
        content = export_content(source, **how)
        if to == "sklearn":
            check_sklearn_form(content)
        if to == "onnx":
            write_onnx(source, out, about.get("encoder"), how)
        else:
            EXPORT_FORMATS[to](source, out, **how)
    for sentence in {str(one.message): one for one in caught if one.category is TwoLayerWarning}:
        print(printable(f"twolayer: {sentence}"), file=sys.stderr)
    print(printable(f"{out}: {content.said()}, {content.params.dtype}"))
    if content.columns is not None:
        columns = first_names(content.columns, quote="")
        print(printable(f"its inputs are the model's columns, in this order: {columns}"))
    if has_encoded_inputs(about.get("encoder")):
        print("the entry 'encoder' of the model file says how a table's own columns become these")
    for line in usage_lines(to, content, out):
        print(printable(line))


def write_onnx(source: Any, out: Path, encoder: Any, how: dict[str, Any]) -> None:
    """Write the ONNX file; its metadata also has the medians that stand in for missing values, if the model's file has."""
    onnx_model = to_onnx(source, **how)
    if isinstance(encoder, dict):
        medians = dict(zip(encoder["numbers"], encoder["medians"], strict=True))
        onnx_model.metadata_props.add(key="medians", value=json.dumps(medians, ensure_ascii=False))
    saving.write_files({out: onnx_model.SerializeToString()})


def check_sklearn_form(content: Any) -> None:
    """Raise if scikit-learn cannot hold the network, with the options of `twolayer fit` that make one it can."""
    params = content.params
    found = {}
    if params.n_networks is not None:
        found[f"an average of {params.n_networks} networks"] = "--n-networks 1"
    if params.w_skip is not None:
        found["a skip layer"] = "--no-skip"
    if (
        content.clip is not None and not content.n_unclipped
    ):  # some networks alone: they are one with --n-networks 1
        found["clipped columns"] = "--scaling standard"
    if found:
        raise InputError(
            f"scikit-learn's MLP cannot hold {' or '.join(found)}: fit with {' '.join(found.values())}, or export to onnx, "
            "torch or numpy"
        )


def has_encoded_inputs(encoder: Any) -> bool:
    """Whether some of the inputs are not columns of the table as they stand there."""
    names = ("booleans", "categories", "marked")
    return isinstance(encoder, dict) and any(encoder.get(name) for name in names)


def usage_lines(to: str, content: Any, out: Path) -> list[str]:
    """How to use what was written."""
    if to == "onnx":
        if find_spec("onnxruntime") is None:
            return ["not checked, as onnxruntime is not installed: pip install 'twolayer[onnx]'"]
        return ["checked: onnxruntime predicts what the model does"]
    if to == "torch":
        lines = ["load it with", *loading_code(content, out).splitlines()]
        if content.classes is not None:
            names = first_names(content.classes, quote="")
            lines.append(f"it gives logits, as torch's losses take them; classes: {names}")
        return lines

    lines = [f"use it with\nfrom {out.stem} import {'mlp' if to == 'sklearn' else 'predict'}"]
    if not fits_inline(content.arrays()):
        lines.append(f"its weights are beside it: {out.with_suffix('.weights.npz')}")
    return lines
