"""A network as scikit-learn's own estimators, `MLPRegressor` and `MLPClassifier`, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.export.activation_forms import ACTIVATION_FORMS
from twolayer.export.content import (
    ExportContent,
    PredictionKind,
    export_content,
    fold_in_temperature,
)
from twolayer.export.numpy_code import module_docstring, names_code, write_numpy_code
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_params
from twolayer.text import plural

# our names: scikit-learn's
SKLEARN_ACTIVATIONS = {
    name: form.sklearn_name for name, form in ACTIVATION_FORMS.items() if form.sklearn_name
}
SKLEARN_SOLVERS = {"lbfgs": "lbfgs", "adam": "adam", "gd": "sgd"}
SKLEARN_OUTPUTS = {
    PredictionKind.TWO_CLASSES: "logistic",
    PredictionKind.LABELS: "logistic",
    PredictionKind.CLASSES: "softmax",
}
SHARED_SETTINGS = ("learning_rate_init", "max_iter", "tol", "random_state")  # with one meaning


def to_sklearn(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    activation: Any = None,
    dtype: Any = None,
) -> Any:
    """Return a network as scikit-learn's `MLPRegressor`, or a classifier as `MLPClassifier`, fitted, and write it to a file.

    It predicts, and with solver "adam" or "sgd" continues to learn by `partial_fit`. Where our network has no bias, it has
    zeros. It has the same `alpha`, but its `fit` applies alpha to the columns as they are, and ours to standardised columns.

    Parameters
    ----------
    model : Params, Run, or fitted estimator of one network without a skip layer
    path : str, Path or None
        Where to write Python code that makes the estimator, `mlp`, ending in `.py`; more than 10,000 weights go to a file
        beside it, ending in `.weights.npz`. None writes no file.
    activation : str or None
        For Params, which hold no activation; None is "relu".
    dtype : {"float64", "float32"} or None
        Of the exported weights; None leaves them as they are.

    Returns
    -------
    mlp : sklearn.neural_network.MLPRegressor or MLPClassifier
        Its weights are copies.

    Raises
    ------
    InputError
        If the model is not fitted, or scikit-learn's MLP cannot hold it: it has a skip layer, several networks,
        clipped columns, or an activation that scikit-learn's MLP does not have.
    FileError
        If a file cannot be written; the file that was there before is unchanged.

    Examples
    --------
    >>> import twolayer as tl
    >>> params = tl.Params(w1=[[1.0, -1.0]], b1=None, w2=[[1.0], [10.0]], b2=None)
    >>> tl.to_sklearn(params).predict([[2.0], [-3.0]])
    array([ 2., 30.])
    """
    from sklearn import neural_network, preprocessing

    content = export_content(model, activation, dtype)
    check_representable(content)
    content = replace(content, params=with_biases(fold_in_temperature(content)))
    kind = "MLPRegressor" if content.classes is None else "MLPClassifier"
    settings, learned = mlp_settings(content), mlp_attributes(content)
    w1, b1, w2, b2 = (array for _, array in content.params.copy().items())
    mlp = getattr(neural_network, kind)(**settings)
    for name, value in {**learned, "coefs_": [w1, w2], "intercepts_": [b1, b2]}.items():
        setattr(mlp, name, value)
    if content.classes is not None:
        several = content.kind == PredictionKind.LABELS
        classes = np.eye(len(mlp.classes_), dtype=int) if several else mlp.classes_
        mlp._label_binarizer = preprocessing.LabelBinarizer().fit(classes)
    if path is not None:
        write_numpy_code(
            path,
            content.arrays(),
            lambda weights: mlp_code(content, kind, settings, learned, weights),
        )
    return mlp


def check_representable(content: ExportContent) -> None:
    """Raise InputError if scikit-learn's estimators cannot hold this network."""
    from sklearn.neural_network import MLPRegressor

    count = content.params.n_networks
    if count is not None:
        raise InputError(
            f"scikit-learn's MLP cannot hold an average of {count} networks: fit with n_networks=1, "
            "or export to onnx, torch or numpy"
        )
    if content.clip is not None:
        raise InputError(
            "scikit-learn's MLP cannot hold the clip of the columns: fit with scaling='standard', or export to onnx, torch "
            "or numpy"
        )
    if content.params.w_skip is not None:
        raise InputError(
            "scikit-learn's MLP cannot hold a skip layer: fit with skip=False, or export to onnx, torch or numpy"
        )
    if content.activation not in SKLEARN_ACTIVATIONS:
        raise InputError(
            f"scikit-learn's MLP has no activation '{content.activation}', only {', '.join(SKLEARN_ACTIVATIONS)}: "
            "fit with one of these, or export to onnx, torch or numpy"
        )
    if content.log_link and "loss" not in signature(MLPRegressor).parameters:
        raise InputError(
            "scikit-learn's MLP can hold a model of counts since version 1.7: pip install --upgrade scikit-learn"
        )


def mlp_settings(content: ExportContent) -> dict[str, Any]:
    """Return the parameters of scikit-learn's estimator."""
    model = content.model
    settings: dict[str, Any] = {
        "hidden_layer_sizes": (content.params.n_hidden,),
        "activation": SKLEARN_ACTIVATIONS[content.activation],
    }
    if isinstance(model, Params):
        return settings
    if content.log_link:
        settings["loss"] = "poisson"
    settings["solver"] = SKLEARN_SOLVERS[getattr(model, "solver_", model.solver)]
    settings["alpha"] = float(model.alpha_)
    if getattr(model, "batch_size", None) is not None:
        settings["batch_size"] = int(model.batch_size)
    for name in SHARED_SETTINGS:
        value = getattr(model, name)
        if isinstance(value, int | float | np.number):
            settings[name] = value.item() if isinstance(value, np.number) else value
    return settings


def mlp_attributes(content: ExportContent) -> dict[str, Any]:
    """Return the attributes that `fit` would have set, except the weights."""
    params = content.params
    learned: dict[str, Any] = {
        "n_features_in_": params.n_inputs,
        "n_outputs_": params.n_outputs,
        "n_layers_": 3,
        "out_activation_": SKLEARN_OUTPUTS.get(
            content.kind, "exp" if content.log_link else "identity"
        ),
        "n_iter_": int(getattr(content.model, "n_iter_", 0)),
        # what `partial_fit` continues from
        "t_": 0,
        "loss_curve_": [],
        "best_loss_": np.inf,
        "validation_scores_": None,
        "best_validation_score_": None,
    }
    if hasattr(content.model, "loss_"):
        learned["loss_"] = float(np.mean(content.model.loss_))
    if content.columns is not None:
        learned["feature_names_in_"] = np.array(content.columns, dtype=object)
    if content.classes is not None:
        learned["classes_"] = content.classes.copy()
    return learned


def with_biases(params: Params) -> Params:
    """Return the weights with zeros for biases that are None."""
    b1 = np.zeros(params.n_hidden, params.dtype) if params.b1 is None else params.b1
    b2 = np.zeros(params.n_outputs, params.dtype) if params.b2 is None else params.b2
    return Params(params.w1, b1, params.w2, b2)


def mlp_code(
    content: ExportContent,
    kind: str,
    settings: Mapping[str, Any],
    learned: Mapping[str, Any],
    weights: str,
) -> str:
    """Return Python code that makes the estimator."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    lines = [f"mlp.{name} = {value_code(value)}" for name, value in learned.items()]
    imports = "import numpy as np\nfrom sklearn.neural_network import " + kind
    if content.classes is not None:
        imports += "\nfrom sklearn.preprocessing import LabelBinarizer"
        several = content.kind == PredictionKind.LABELS
        classes = "np.eye(len(mlp.classes_), dtype=int)" if several else "mlp.classes_"
        lines.append(f"mlp._label_binarizer = LabelBinarizer().fit({classes})")
    return (
        f'"""{module_docstring(content)}\n\n`mlp` is scikit-learn\'s {kind}, fitted.\n"""\n\n{imports}\n\n'
        f"{weights}\nmlp = {kind}({arguments})\nmlp.coefs_, mlp.intercepts_ = [w1, w2], [b1, b2]\n"
        + "\n".join(lines)
        + "\n"
    )


def value_code(value: Any) -> str:
    """Return a number, text, list or array as Python code."""
    if isinstance(value, np.ndarray):
        return names_code(value)
    return "np.inf" if isinstance(value, float) and np.isinf(value) else repr(value)


def from_sklearn(mlp: Any) -> Any:
    """Return scikit-learn's fitted `MLPRegressor` or `MLPClassifier` with one hidden layer as an estimator of ours.

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPRegressor or MLPClassifier

    Returns
    -------
    model : TwoLayerRegressor or TwoLayerClassifier
        Fitted, with exact copies of the weights. `loss_` and `loss_curve_` are scikit-learn's, where it has them.

    Raises
    ------
    InputError
        If it is another estimator, is not fitted, or does not have one hidden layer.

    Examples
    --------
    >>> import twolayer as tl
    >>> from sklearn.neural_network import MLPRegressor
    >>> mlp = MLPRegressor(hidden_layer_sizes=(5,), solver="lbfgs", random_state=0)
    >>> mlp = mlp.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0])
    >>> model = tl.from_sklearn(mlp)
    >>> bool(abs(model.predict([[1.5]]) - mlp.predict([[1.5]])) < 1e-12)
    True
    """
    check_mlp(mlp)
    from sklearn.base import is_classifier

    from twolayer.estimators import TwoLayerClassifier, TwoLayerRegressor

    (w1, w2), (b1, b2) = mlp.coefs_, mlp.intercepts_
    params = checked_params(Params(w1, b1, w2, b2)).copy()
    activations = {theirs: ours for ours, theirs in SKLEARN_ACTIVATIONS.items()}
    solvers = {theirs: ours for ours, theirs in SKLEARN_SOLVERS.items()}
    make = TwoLayerClassifier if is_classifier(mlp) else TwoLayerRegressor
    model = make(
        params.n_hidden,
        activation=activations[mlp.activation],
        alpha=mlp.alpha,
        n_networks=1,
        solver=solvers[mlp.solver],
        batch_size=mlp.batch_size if isinstance(mlp.batch_size, int) else None,
        **{name: getattr(mlp, name) for name in SHARED_SETTINGS},
    )
    if mlp.out_activation_ == "exp":
        model.set_params(loss="poisson")
    state = {
        "params_": params,
        "alpha_": float(mlp.alpha),
        "solver_": model.solver,
        "alphas_tried_": None,
        "validation_scores_": None,
        "best_iter_": None,
        "loss_curve_": np.array(getattr(mlp, "loss_curve_", []), dtype=np.float64),
        "loss_": float(getattr(mlp, "loss_", 0.0)),
        "n_iter_": mlp.n_iter_,
        "stopped_": "trained by scikit-learn",
    }
    if hasattr(mlp, "feature_names_in_"):
        state["feature_names_in_"] = mlp.feature_names_in_.copy()
    if is_classifier(mlp):
        state["classes_"] = np.array(mlp.classes_)
        state["several_labels_"] = mlp._label_binarizer.y_type_.startswith("multilabel")
    else:
        state["n_outputs_"] = params.n_outputs
        state["one_target_"] = params.n_outputs == 1
    return model.set_fitted_state(state)


def check_mlp(mlp: Any) -> None:
    """Raise InputError if this is not scikit-learn's estimator, fitted, with one hidden layer."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    name = type(mlp).__name__
    if not isinstance(mlp, MLPClassifier | MLPRegressor):
        raise InputError(
            f"from_sklearn takes an MLPRegressor or MLPClassifier; got {name} (if it is a pipeline, give its last step)"
        )
    if not hasattr(mlp, "coefs_"):
        raise InputError(f"this {name} is not fitted yet: call fit first")
    if len(mlp.coefs_) != 2:
        layers = plural(len(mlp.coefs_) - 1, "hidden layer")
        raise InputError(f"this {name} has {layers}; a twolayer network has one")
