"""What can be read from a fitted estimator: its networks, what they compute, and all that it learned."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.ensemble import single_networks
from twolayer.estimators.input_checks import (
    check_columns,
    check_missing_values,
    check_names,
    missing_as_nan,
)
from twolayer.maths import network
from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.losses import Loss
from twolayer.maths.network import Params
from twolayer.maths.smooth_clip import InputClip
from twolayer.training.table_home import is_elsewhere

BLOCK_PREDICTIONS = "twolayer.distributed.estimator_predictions"
WITH_WEIGHTS = (
    "spread_",
    "left_out_losses_",
    "_rows_left_out",
    "rows_",
    "_refits",
)  # what other weights end
WEIGHT_ATTRIBUTES = ("w1_", "b1_", "w2_", "b2_", "w_skip_")  # `params_` holds them all


class FittedNetworks(BaseEstimator):
    """The networks of a fitted estimator, and the read interface to them."""

    activation: Any
    network_loss_curves_: np.ndarray
    input_clip_: InputClip | None = None  # also of models that an earlier version pickled
    _several_labels = False
    _one_target = False
    _flag: str  # the one of `several_labels_` and `one_target_` that a fit of this class learns

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "w1_")

    @property
    def params_(self) -> Params:
        """All weights together, as `twolayer.forward` takes them: float64, on the columns of `network_inputs`.

        With several networks, the arrays have one more axis in front.
        """
        check_is_fitted(self)
        return Params(self.w1_, self.b1_, self.w2_, self.b2_, getattr(self, "w_skip_", None))

    @property
    def loss_curve_(self) -> np.ndarray:
        """The objective in each pass over the rows, shape (n_iter_,): the mean of `network_loss_curves_`."""
        return self.network_loss_curves_.mean(axis=1)

    @loss_curve_.setter
    def loss_curve_(self, losses: np.ndarray) -> None:
        """Take the losses of one network, (n,), or of each, (n, n_networks)."""
        self.network_loss_curves_ = losses[:, None] if losses.ndim == 1 else losses

    @property
    def networks_(self) -> list[Params]:
        """The weights of each network, on its columns of `network_inputs`: a list of `n_networks_` Params of float64.

        Each has `w1` (n_inputs, n_hidden), `b1` (n_hidden,), `w2` (n_hidden, n_outputs), `b2` (n_outputs,), and `w_skip`
        (n_inputs, n_outputs) or None. Two classes have one output; more classes have one output per class.
        """
        return single_networks(self.params_)

    def _each_network(self) -> Iterator[Params]:
        return iter(self.networks_)

    @property
    def activation_(self) -> Activation:
        """The activation of the hidden layer, as an object with `value` and `derivative`."""
        check_is_fitted(self)
        return self._activation()

    @property
    def loss_function_(self) -> Loss:
        """The loss that `fit` makes small, as an object with `value`, `grad_y_pred`, `mean` and `has_link`."""
        check_is_fitted(self)
        return self._task_loss()

    @property
    def several_labels_(self) -> bool:
        """Whether y had a column of 0 and 1 for each label; False with one class per row, and for numbers."""
        check_is_fitted(self)
        return self._several_labels

    @property
    def one_target_(self) -> bool:
        """Whether y held numbers of shape (n_rows,), not (n_rows, n_outputs), as predictions do; False for classes."""
        check_is_fitted(self)
        return self._one_target

    def network_outputs(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the raw outputs of each network, before they are averaged.

        Of a regressor they are in the units of y (with loss "poisson", the logarithm of the mean count); of a classifier
        they are logits, before any temperature.

        Parameters
        ----------
        X : array-like, data frame, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
            Of Dask's rows the answer is a Dask array, computed when it is asked for.

        Returns
        -------
        outputs : ndarray of float64, shape (n_networks, n_rows, n_outputs)
        """
        if self._is_elsewhere(X):
            return self._of_blocks(X, "network_outputs")
        activation, inputs = self.activation_, self.network_inputs(X)
        pairs = zip(inputs, self.networks_, strict=True)
        return np.stack([network.forward(x, one, activation) for x, one in pairs])

    def network_inputs(self, X: Any) -> list[Any]:  # noqa: N803
        """Return the columns that each network's weights act on: those of X, or those clipped by `input_clip_`.

        Parameters
        ----------
        X : array-like, data frame or SciPy sparse array, shape (n_rows, n_inputs)

        Returns
        -------
        inputs : list of ndarray of float64, or SciPy sparse array, each of shape (n_rows, n_inputs)
            One for each of `networks_`, so that `twolayer.forward(x, params, model.activation_)` is the network's output.
        """
        X = self._checked_columns(X)  # noqa: N806
        clip = self.input_clip_
        if clip is None:
            return [X] * self.n_networks_
        clipped = clip.columns(X)
        return [clipped if one else X for one in clip.networks]

    def _is_elsewhere(self, X: Any) -> bool:  # noqa: N803
        """Return whether the rows, or the weights of the columns, are in blocks elsewhere."""
        return is_elsewhere(X) or is_elsewhere(getattr(self, "w1_", None))

    def _of_blocks(self, X: Any, method: str, **settings: Any) -> Any:  # noqa: N803
        """Return what the method returns for rows that are in blocks: of the kind that X is."""
        check_is_fitted(self)
        return import_module(BLOCK_PREDICTIONS).predict_blocks(self, X, method, settings)

    def _checked_columns(self, X: Any) -> Any:  # noqa: N803
        """Return rows to predict as an array of float64, or in CSR form."""
        check_is_fitted(self)
        X = validate_data(  # noqa: N806
            self,
            self._check_columns(X, reset=False),
            accept_sparse="csr",
            dtype=np.float64,
            ensure_all_finite=False,
            reset=False,
        )
        self._check_missing_values(X)
        return X

    def without_feature_names(self) -> Self:
        """Return a copy that takes arrays only, without column names; for one target it predicts the shape (n_rows,).

        For callers that have checked the columns themselves.
        """
        check_is_fitted(self)
        same = copy.copy(self)
        same.__dict__.pop("feature_names_in_", None)
        if hasattr(same, "n_outputs_") and not hasattr(same, "classes_"):
            same._one_target = same.n_outputs_ == 1
        return same

    def get_fitted_state(self) -> dict[str, Any]:
        """Return all that `fit` learned, as `set_fitted_state` takes it.

        Returns
        -------
        state : dict
            "params_" holds all weights (Params of float64), "several_labels_" (classifiers) or "one_target_" (regressors) a
            bool. Every other fitted attribute stands under its own name as it is documented in the class, such as "alpha_",
            "classes_", "loss_" or "cv_results_". The arrays are not copied. What `partial_fit` keeps between its
            calls is not part of it.
        """
        state = {
            name: value
            for name, value in vars(self).items()
            if name.endswith("_") and name not in WEIGHT_ATTRIBUTES
        }
        return {"params_": self.params_, self._flag: getattr(self, self._flag), **state}

    def set_fitted_state(self, state: Mapping[str, Any]) -> Any:
        """Take over what an estimator of the same class and settings learned, or parts of it.

        Parameters
        ----------
        state : mapping
            As `get_fitted_state` returns it. Attributes without an entry stay as they are; `n_networks_`, `n_hidden_` and
            `n_features_in_` follow from "params_", and the best of a search from "cv_results_". The arrays are not copied.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a name is not that of a fitted attribute.
        """
        clip = state.get("input_clip_", self.input_clip_)
        for name, value in sorted(state.items(), key=lambda item: item[0] != "params_"):
            attribute = getattr(type(self), name, None)
            computed = isinstance(attribute, property) and attribute.fset is None
            if name == "params_":
                self._set_networks_and_clip(value, clip)
                self.n_features_in_ = value.n_inputs
            elif name == self._flag:
                setattr(self, f"_{name.removesuffix('_')}", value)
            elif name.startswith("_") or not name.endswith("_") or computed:
                raise InputError(f"set_fitted_state takes fitted attributes; {name!r} is not one")
            else:
                setattr(self, name, value)
        return self

    def _set_networks_and_clip(self, params: Params, clip: InputClip | None = None) -> None:
        """Keep these weights, which act on the user's own columns, of some networks clipped."""
        for name in WITH_WEIGHTS:
            self.__dict__.pop(name, None)  # of other weights
        self.input_clip_ = clip
        self.w1_, self.b1_, self.w2_, self.b2_ = params.w1, params.b1, params.w2, params.b2
        self.w_skip_ = params.w_skip
        self.n_networks_, self.n_hidden_ = params.n_networks or 1, params.n_hidden

    def _task_loss(self) -> Loss:
        """Return what training makes small."""
        raise NotImplementedError

    def _activation(self) -> Activation:
        return checks.one_of(self.activation, ACTIVATIONS, "activation", Activation)  # type: ignore[type-abstract]

    def _check_columns(self, X: Any, reset: bool) -> Any:  # noqa: N803
        """Return the user's table if its columns can be numbers, and are those of the fit unless `reset`."""
        check_columns(X)
        if not reset:
            check_names(X, getattr(self, "feature_names_in_", None))
        return missing_as_nan(X)

    def _check_missing_values(self, X: Any) -> None:  # noqa: N803
        """Raise InputError if a value is missing or infinite; it names the columns."""
        check_missing_values(X, getattr(self, "feature_names_in_", None))
