"""A network as scikit-learn's own estimators, `MLPRegressor` and `MLPClassifier`, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.export import content as contents
from twolayer.export import numpy_code
from twolayer.export.content import ExportContent, export_content
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_params

SKLEARN_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")  # by these names in both
SKLEARN_SOLVERS = {"lbfgs": "lbfgs", "adam": "adam", "gd": "sgd"}  # ours: scikit-learn's
SKLEARN_OUTPUTS = {
    contents.TWO_CLASS_KIND: "logistic",
    contents.LABEL_KIND: "logistic",
    contents.CLASS_KIND: "softmax",
}
SHARED_SETTINGS = (
    "learning_rate_init",
    "max_iter",
    "tol",
    "random_state",
)  # settings that mean the same


def to_sklearn(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    activation: Any = None,
    dtype: Any = None,
) -> Any:
    """Turn a network into scikit-learn's `MLPRegressor`, or of a classifier `MLPClassifier`, fitted.

    It predicts, and with solver "adam" or "sgd" goes on learning by `partial_fit`. Where ours had no bias, it has zeros.
    `alpha` is kept, but `fit` would mean another thing by it: ours acts on standardised columns.

    Parameters
    ----------
    model : Params, Run, or fitted estimator of one network without a skip layer
    path : str, Path or None
        Where to write Python code that makes the estimator, `mlp`, ending in `.py`; more than 10,000 weights go to a file
        beside it, ending in `.weights.npz`. None writes no file.
    activation : str or None
        For Params, which do not know theirs; None is "relu".
    dtype : {"float64", "float32"} or None
        What the weights are turned into; None leaves them.

    Returns
    -------
    mlp : sklearn.neural_network.MLPRegressor or MLPClassifier
        Its weights are copies.

    Raises
    ------
    InputError
        If the model is not fitted, or is what these cannot hold: a skip layer, an average of several networks, or an
        activation other than identity, logistic, tanh and relu.
    FileError
        If a file cannot be written; what was there before is still there.

    Examples
    --------
    >>> import twolayer as tl
    >>> params = tl.Params(w1=[[1.0, -1.0]], b1=None, w2=[[1.0], [10.0]], b2=None)
    >>> tl.to_sklearn(params).predict([[2.0], [-3.0]])
    array([ 2., 30.])
    """
    from sklearn import neural_network

    content = export_content(model, activation, dtype)
    check_representable(content)
    content = replace(content, params=contents.fold_in_temperature(content))
    kind = "MLPRegressor" if content.classes is None else "MLPClassifier"
    settings, learned = mlp_settings(content), mlp_attributes(content)
    mlp = getattr(neural_network, kind)(**settings)
    for name, value in {**learned, **mlp_weights(content.params)}.items():
        setattr(mlp, name, value)
    if content.classes is not None:
        mlp._label_binarizer = label_binarizer(content)
    if path is not None:
        numpy_code.write_numpy_code(
            path,
            fill_biases(content.params),
            lambda weights: mlp_code(content, kind, settings, learned, weights),
        )
    return mlp


def check_representable(content: ExportContent) -> None:
    """Raise if scikit-learn's estimators cannot hold this network."""
    from sklearn.neural_network import MLPRegressor

    count = content.params.n_networks
    if count is not None:
        raise InputError(
            f"scikit-learn's MLP cannot hold an average of {count} networks: fit with n_networks=1, "
            "or export to onnx, torch or numpy"
        )
    if content.params.w_skip is not None:
        raise InputError(
            "scikit-learn's MLP cannot hold a skip layer: fit with skip=False, or export to onnx, torch or numpy"
        )
    contents.check_activation_form(content, SKLEARN_ACTIVATIONS, "scikit-learn's MLP")
    if content.logged and "loss" not in signature(MLPRegressor).parameters:
        raise InputError("scikit-learn's MLP holds a model of counts since version 1.7: upgrade it")


def mlp_settings(content: ExportContent) -> dict[str, Any]:
    """What the estimator is made with."""
    model = content.model
    settings: dict[str, Any] = {
        "hidden_layer_sizes": (content.params.n_hidden,),
        "activation": content.activation,
    }
    if isinstance(model, Params):
        return settings
    if content.logged:
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
    """What `fit` would have set, but for the weights."""
    params = content.params
    learned: dict[str, Any] = {
        "n_features_in_": params.n_inputs,
        "n_outputs_": params.n_outputs,
        "n_layers_": 3,
        "out_activation_": "exp"
        if content.logged
        else SKLEARN_OUTPUTS.get(content.answer, "identity"),
        "n_iter_": int(getattr(content.model, "n_iter_", 0)),
        # where `partial_fit` goes on from
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


def mlp_weights(params: Params) -> dict[str, list[np.ndarray]]:
    """Copies of the weights, as scikit-learn names them."""
    w1, b1, w2, b2 = (array for _, array in fill_biases(params).copy().items())
    return {"coefs_": [w1, w2], "intercepts_": [b1, b2]}


def fill_biases(params: Params) -> Params:
    """Zeros where there were none."""
    b1 = np.zeros(params.n_hidden, params.dtype) if params.b1 is None else params.b1
    b2 = np.zeros(params.n_outputs, params.dtype) if params.b2 is None else params.b2
    return Params(params.w1, b1, params.w2, b2)


def label_binarizer(content: ExportContent) -> Any:
    """What scikit-learn turns outputs into classes with."""
    from sklearn.preprocessing import LabelBinarizer

    several = content.answer == contents.LABEL_KIND
    shown = np.eye(content.params.n_outputs, dtype=int) if several else content.classes
    return LabelBinarizer().fit(shown)


def mlp_code(
    content: ExportContent,
    kind: str,
    settings: Mapping[str, Any],
    learned: Mapping[str, Any],
    weights: str,
) -> str:
    """Python code that makes the estimator."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    lines = [f"mlp.{name} = {value_code(value)}" for name, value in learned.items()]
    imports = "import numpy as np\nfrom sklearn.neural_network import " + kind
    if content.classes is not None:
        imports += "\nfrom sklearn.preprocessing import LabelBinarizer"
        several = content.answer == contents.LABEL_KIND
        shown = "np.eye(len(mlp.classes_), dtype=int)" if several else "mlp.classes_"
        lines.append(f"mlp._label_binarizer = LabelBinarizer().fit({shown})")
    return (
        f'"""{numpy_code.module_docstring(content)}\n\n`mlp` is scikit-learn\'s {kind}, fitted.\n"""\n\n{imports}\n\n'
        f"{weights}\nmlp = {kind}({arguments})\nmlp.coefs_, mlp.intercepts_ = [w1, w2], [b1, b2]\n"
        + "\n".join(lines)
        + "\n"
    )


def value_code(value: Any) -> str:
    """A number, text or list as Python writes it."""
    if isinstance(value, np.ndarray):
        return numpy_code.names_code(value)
    return "np.inf" if isinstance(value, float) and np.isinf(value) else repr(value)


def from_sklearn(mlp: Any) -> Any:
    """Turn scikit-learn's `MLPRegressor` or `MLPClassifier`, fitted, with one hidden layer, into ours.

    Parameters
    ----------
    mlp : sklearn.neural_network.MLPRegressor or MLPClassifier

    Returns
    -------
    model : TwoLayerRegressor or TwoLayerClassifier
        Fitted, with copies of the weights, to the last bit. `loss_` and `loss_curve_` are scikit-learn's, where it has them.

    Raises
    ------
    InputError
        If it is another estimator, is not fitted, or has other than one hidden layer.

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
    ours = {theirs: name for name, theirs in SKLEARN_SOLVERS.items()}
    make = TwoLayerClassifier if is_classifier(mlp) else TwoLayerRegressor
    model = make(
        params.n_hidden,
        activation=mlp.activation,
        alpha=mlp.alpha,
        n_networks=1,
        solver=ours[mlp.solver],
        batch_size=mlp.batch_size if isinstance(mlp.batch_size, int) else None,
        **{name: getattr(mlp, name) for name in SHARED_SETTINGS},
    )
    if mlp.out_activation_ == "exp":
        model.set_params(loss="poisson")
    model._set_params_of_networks(params)
    model.alpha_, model.solver_ = float(mlp.alpha), model.solver
    model.alphas_tried_ = model.validation_scores_ = model.best_step_ = None
    model.loss_curve_ = np.array(getattr(mlp, "loss_curve_", []), dtype=np.float64)
    model.loss_ = float(getattr(mlp, "loss_", 0.0))
    model.n_iter_, model.stopped_ = mlp.n_iter_, "trained by scikit-learn"
    model.n_features_in_ = params.n_inputs
    if hasattr(mlp, "feature_names_in_"):
        model.feature_names_in_ = mlp.feature_names_in_.copy()
    if is_classifier(mlp):
        model.classes_ = np.array(mlp.classes_)
        model._several_labels = mlp._label_binarizer.y_type_.startswith("multilabel")
    else:
        model._one_target, model.n_outputs_ = params.n_outputs == 1, params.n_outputs
    return model


def check_mlp(mlp: Any) -> None:
    """Raise if this is not scikit-learn's estimator, fitted, with one hidden layer."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    name = type(mlp).__name__
    if not isinstance(mlp, MLPClassifier | MLPRegressor):
        raise InputError(
            f"from_sklearn takes an MLPRegressor or MLPClassifier; got {name} (of a pipeline, give its last step)"
        )
    if not hasattr(mlp, "coefs_"):
        raise InputError(f"this {name} is not fitted yet: call fit first")
    if len(mlp.coefs_) != 2:
        layers = contents.counted_noun(len(mlp.coefs_) - 1, "hidden layer")
        raise InputError(f"this {name} has {layers}; a twolayer network has one")
