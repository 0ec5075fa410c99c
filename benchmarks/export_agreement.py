"""How far the exported forms are from the model: `python -m benchmarks exports` prints it as a table.

The same rows go to the model and to what was exported from it. Of classes the largest difference of a probability counts, of
numbers the largest of a prediction, as a share of the largest prediction.
"""

from __future__ import annotations

import argparse
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np

from twolayer import export

LIBRARIES = {"onnx": "onnxruntime", "torch": "torch", "sklearn": "sklearn", "numpy": "numpy"}
ROW_DTYPES = ("float64", "float32")
EXAMPLES = ("iris", "breast_cancer", "diabetes", "wide")


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    argparse.ArgumentParser(prog="python -m benchmarks exports", description=__doc__).parse_args(
        arguments
    )
    forms = [form for form, library in LIBRARIES.items() if find_spec(library) is not None]
    columns = [(form, dtype) for form in forms for dtype in ROW_DTYPES]
    print("| model | " + " | ".join(f"{form} {dtype}" for form, dtype in columns) + " |")
    print("|---" * (1 + len(columns)) + "|")
    for name in EXAMPLES:
        x, y = example_table(name)
        for n_networks, skip in ((1, False), (5, True)):
            model = fitted_model(x, y, n_networks, skip)
            cells = [
                "cannot hold it"
                if form == "sklearn" and skip
                else f"{largest_difference(form, model, x.astype(dtype)):.1e}"
                for form, dtype in columns
            ]
            what = "1 network" if n_networks == 1 else f"{n_networks} networks, skip layer"
            size = f"{x.shape[0]} × {x.shape[1]}"
            print(f"| {name} ({size}), {what} | " + " | ".join(cells) + " |", flush=True)


def example_table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A table that scikit-learn carries, or a random wide one."""
    from sklearn import datasets

    if name != "wide":
        return getattr(datasets, f"load_{name}")(return_X_y=True)
    x = np.random.default_rng(0).standard_normal((100, 5000))
    return x, np.digitize(x[:, 0], [-0.5, 0.5])


def fitted_model(x: np.ndarray, y: np.ndarray, n_networks: int, skip: bool) -> Any:
    """A model of that table."""
    from twolayer.estimators import TwoLayerClassifier, TwoLayerRegressor

    make = TwoLayerClassifier if y.dtype.kind == "i" else TwoLayerRegressor
    return make(50, alpha=1.0, n_networks=n_networks, skip=skip, random_state=0).fit(x, y)


def largest_difference(form: str, model: Any, x: np.ndarray) -> float:
    """Return the largest difference between the model's answers and the exported form's, in the dtype of the rows."""
    classifies = hasattr(model, "classes_")
    wanted = model.predict_proba(x) if classifies else model.predict(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = exported_answers(form, model, x, classifies)
    scale = 1.0 if classifies else float(np.abs(wanted).max())
    return float(np.abs(found.reshape(wanted.shape) - wanted).max()) / scale


def exported_answers(form: str, model: Any, x: np.ndarray, classifies: bool) -> np.ndarray:
    """What the exported form says: probabilities, or predictions."""
    dtype = x.dtype.name
    if form == "onnx":
        from twolayer.export import onnx_file

        found = onnx_file.run_onnx(export.to_onnx(model, dtype=dtype), x)
        return found["probabilities" if classifies else "y_pred"]
    if form == "torch":
        return torch_answers(export.to_torch(model, dtype=dtype), x, classifies)
    if form == "sklearn":
        mlp = export.to_sklearn(model, dtype=dtype)
        return mlp.predict_proba(x) if classifies else mlp.predict(x)
    space: dict[str, Any] = {}
    exec(export.to_numpy_code(model, dtype=dtype), space)
    return space["predict_proba" if classifies else "predict"](x)


def torch_answers(module: Any, x: np.ndarray, classifies: bool) -> np.ndarray:
    """A module's output; of logits, the probabilities."""
    import torch

    with torch.no_grad():
        output = module(torch.from_numpy(x))
        if not classifies:
            return output.numpy()
        if output.shape[1] > 1:
            return torch.softmax(output, 1).numpy()
        return torch.sigmoid(torch.cat([-output, output], 1)).numpy()


if __name__ == "__main__":
    main()
