"""`predict_set` of the estimators of classes, and the losses of rows left out that it tells sets from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from twolayer.estimators.fitted_networks import FittedNetworks
from twolayer.estimators.uncertainty.class_sets import (
    RowsLeftOut,
    class_set,
    losses_of_probabilities,
    set_refusal,
    warn_of_few_rows,
)
from twolayer.estimators.uncertainty.leave_out import refit_folds, rows_of_training
from twolayer.estimators.uncertainty.left_out_intervals import checked_level


class PredictedSets(FittedNetworks):
    """The part of an estimator of classes that tells sets of them."""

    classes_: np.ndarray
    rows_: Any
    left_out_predict: Callable[..., np.ndarray]
    _predictions: Callable[[np.ndarray, str], np.ndarray]
    _rows_left_out: RowsLeftOut | None = (
        None  # goes with the weights, as do the losses of each class
    )

    def predict_set(self, X: Any, level: float = 0.9) -> np.ndarray:  # noqa: N803
        """Return a set of classes for each row, which holds the right one in this share of the rows of each class.

        They are conformal sets for each class by itself (Mondrian): a class is in the set of a row if its probability is not
        less than that which its own rows had, left out of training, in all but a share 1 − level. So a rare class is missed
        no more often than a frequent one. A row between classes has several in its set. A row unlike all of them would have
        an empty set: it has the most likely class instead, so that no set is empty; such rows are those whose probability of
        every class is low for that class, and `predict_proba` shows them.

        Parameters
        ----------
        X : array-like, data frame, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
            Of Dask's rows the answer is a Dask array, computed when it is asked for.
        level : float
            The share of the rows of each class that should have it in their set; between 0 and 1.

        Returns
        -------
        sets : ndarray of bool, shape (n_rows, n_classes)
            In the order of `classes_`. A class with n rows tells levels up to n / (n + 1); above, it is in every set, and a
            TwoLayerWarning says so.

        Raises
        ------
        InputError, ValueError
            If an argument cannot be used, each row has several labels, or the model knows no rows left out
            (`left_out_losses_`). Then `keep_rows` helps: ten fits are made without a tenth of the rows each, once.

        Source: Vovk, Gammerman & Shafer, *Algorithmic learning in a random world*, 2005; Sadinle, Lei & Wasserman, JASA 114,
        2019. That the share holds is measured, not proved, for rows left out in closed form.

        Examples
        --------
        >>> import twolayer as tl
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = tl.TwoLayerClassifier(random_state=0).fit(X, y)
        >>> print(model.predict_set(X[[0, 100]], level=0.9))
        [[ True False False]
         [False False  True]]
        """
        level = checked_level(level, "rows of each class")
        if self._is_elsewhere(X):
            return self._of_blocks(X, "predict_set", level=level)
        p = self._predictions(self.network_outputs(X), "predict_proba")
        losses = None if self._several_labels else self.left_out_losses_
        if losses is None and self.rows_ is not None and not self._several_labels:
            losses = self.left_out_losses_ = self._losses_of_kept_rows()
        if losses is None:
            raise set_refusal(self._several_labels)
        warn_of_few_rows(losses, level)
        return class_set(p, losses, level)

    @property
    def left_out_losses_(self) -> dict[Any, np.ndarray] | None:
        """For each class the log losses of its rows left out; worked out when they are first asked for."""
        self.work_out_left_out_losses()
        losses: dict[Any, np.ndarray] | None = vars(self).get("left_out_losses_")
        return losses

    @left_out_losses_.setter
    def left_out_losses_(self, losses: dict[Any, np.ndarray] | None) -> None:
        self.__dict__.pop("_rows_left_out", None)
        self.__dict__["left_out_losses_"] = losses

    def work_out_left_out_losses(self) -> None:
        """Work out `left_out_losses_` if that is still to be done, and let go of the rows of training."""
        rows = self._rows_left_out
        if rows is not None:
            losses = rows.class_losses(self)
            if losses is not None:
                self.left_out_losses_ = losses
            self.__dict__.pop("_rows_left_out", None)

    def get_fitted_state(self) -> dict[str, Any]:
        self.work_out_left_out_losses()
        return super().get_fitted_state()

    def __getstate__(self) -> Any:
        self.work_out_left_out_losses()  # a pickle holds no rows of training
        return super().__getstate__()

    def __copy__(self) -> Self:
        same = object.__new__(type(self))
        same.__dict__.update(self.__dict__)
        return same

    def _losses_of_kept_rows(self) -> dict[Any, np.ndarray]:
        """Return the log losses of each class's rows left out, of the rows that are kept: in ten fits, or fewer."""
        kept = self.rows_
        assert kept is not None
        given = kept.X, kept.y, kept.sample_weight, kept.groups
        rows = rows_of_training(self.without_feature_names(), *given)
        folds = refit_folds(self, rows, kept.groups)
        p = self.left_out_predict(cv=folds, method="predict_proba", refit=True)
        s = kept.sample_weight
        counted = slice(None) if s is None else s > 0
        numbers = np.searchsorted(self.classes_, kept.y)[counted]
        weights = None if s is None else s[counted]
        return losses_of_probabilities(p[counted], numbers, weights, self.classes_)
