"""Small fitted models of every kind, and the predictions of each exported form."""

import functools

import numpy as np

import twolayer as tl

KINDS = ("number", "numbers", "counts", "two classes", "classes", "labels")
CLASSIFIERS = ("two classes", "classes", "labels")
TOLERANCES = {"float32": 1e-6, "float64": 1e-12}
FORMS = ("onnx", "torch", "sklearn", "numpy")


def rows(dtype="float64"):
    return np.random.default_rng(0).standard_normal((40, 6)).astype(dtype)


def targets(kind):
    x = rows()
    product = x[:, 0] * x[:, 1]
    return {
        "number": product,
        "numbers": np.c_[product, x[:, 2]],
        "counts": np.random.default_rng(1).poisson(np.exp(x[:, 0])),
        "two classes": np.where(product > 0, "yes", "no"),
        "classes": np.digitize(x[:, 0], [-0.5, 0.5]) * 10,
        "labels": (x[:, :3] > 0).astype(int),
    }[kind]


@functools.cache
def fitted(kind, activation="relu", skip=False, n_networks=1):
    make = tl.TwoLayerClassifier if kind in CLASSIFIERS else tl.TwoLayerRegressor
    model = make(
        4, activation=activation, skip=skip, n_networks=n_networks, scaling="standard", alpha=0.1, max_iter=20,
        engine="numpy", random_state=0,
    )  # fmt: skip
    if kind == "counts":
        model.set_params(loss="poisson")
    return model.fit(rows(), targets(kind))


def is_held_by_sklearn(model):
    return (
        model.n_networks_ == 1
        and not model.skip
        and model.activation in ("identity", "logistic", "tanh", "relu")
    )


def exported_predictions(form, model, x, **settings):
    """Return the predictions of an exported form: label and probabilities, or y_pred; of torch, logits."""
    if form == "onnx":
        return run_onnx(tl.to_onnx(model, **settings), x)
    if form == "torch":
        import torch

        with torch.no_grad():
            return {"logits": tl.to_torch(model, **settings)(torch.from_numpy(x)).numpy()}
    if form == "sklearn":
        mlp = tl.to_sklearn(model, **settings)
        return predictions(mlp.predict, getattr(mlp, "predict_proba", None), x)
    space = {}
    exec(tl.to_numpy_code(model, **settings), space)
    return predictions(space["predict"], space.get("predict_proba"), x)


def predictions(predict, predict_proba, x):
    if predict_proba is None:
        return {"y_pred": predict(x)}
    return {"label": predict(x), "probabilities": predict_proba(x)}


def run_onnx(onnx_model, x):
    import onnxruntime

    session = onnxruntime.InferenceSession(
        onnx_model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"x": x}), strict=True))


def own_predictions(model, x):
    """Return the model's own predictions, under the names of all forms."""
    if isinstance(model, tl.Params):
        return {"y_pred": tl.forward(x, model)}
    if not hasattr(model, "classes_"):
        y_pred = model.predict(x)
        counts = model.loss == "poisson"
        output = np.log(y_pred) if counts else y_pred  # of counts torch gives logarithms
        return {"y_pred": y_pred, "logits": output.reshape(len(x), -1)}
    logits = model.decision_function(x).reshape(len(x), -1) / getattr(model, "temperature_", 1)
    return {
        "label": model.predict(x), "probabilities": model.predict_proba(x), "logits": logits
    }  # fmt: skip
