"""The estimator of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import norm
from sklearn.base import RegressorMixin
from sklearn.utils.validation import column_or_1d

from twolayer import checks
from twolayer.errors import InputError, warn_user
from twolayer.estimators.base import TwoLayerEstimator
from twolayer.estimators.ensemble import between_network_variance
from twolayer.estimators.input_checks import prediction_dtype
from twolayer.estimators.training_rows import TrainingRows
from twolayer.estimators.uncertainty.left_out_intervals import (
    LEFT_OUT_KINDS,
    NORMAL,
    STUDENTISED,
    checked_kind,
    checked_level,
    left_out_interval,
)
from twolayer.estimators.uncertainty.predictive_spread import (
    PredictiveSpread,
    constant_width_sentence,
)
from twolayer.estimators.uncertainty.spread_networks import check_spread
from twolayer.maths.losses import GaussianNLL, Loss
from twolayer.text import plural


class TwoLayerRegressor(RegressorMixin, TwoLayerEstimator):
    """Networks that predict one number per row, or several.

    Inputs and targets are standardised inside, on the rows given to `fit`, and the weights are folded back: `w1_`, `b1_`,
    `w2_`, `b2_` act on the user's own units (or on clipped columns: see `scaling`). Training makes the squared error of the
    standardised targets small, with weight decay. With `loss="poisson"`, for counts, the targets stay as they are, and the
    output of the network is the logarithm of their mean; alpha and l1 are then multiplied by the mean of the targets, where
    that is above 1.

    Parameters
    ----------
    n_hidden : int or list of int
        Units in the hidden layer. Of several numbers `fit` takes the one with the least loss on rows left out, each at the
        alpha that is best for it; of those as good, the fewest.
    activation : str or Activation
        One of those of `twolayer.train`.
    alpha : float or "auto"
        Weight decay, at least 0: adds ½·alpha/S·(‖w1‖² + ‖w2‖² + ‖w_skip‖²) to the mean loss. S is the number of rows, those
        of weight 0 left out, whatever the sum of the weights. Only where they count repeats, as whole multiples of the least
        with a mean of at most 10 do, S is the sum of these multiples; where they nearly do, S lies between the two.
        "auto" tries values from where the network leaves the constant downwards, and takes the one with the least loss on
        rows left out.
    l1 : float
        At least 0: adds l1/S·(Σ|w1| + Σ|w_skip|) to the mean loss, which makes the weights of uninformative inputs
        exactly 0: `w1_.any(axis=-1)` shows which inputs are left. For "adam" and "gd".
    dropout : float
        From 0 to below 1: the share of hidden units that each row misses, drawn anew at every step of training; predictions
        use all units. For "adam" and "gd". "auto" chooses alpha without it, and without l1.
    skip : bool or "auto"
        Whether inputs also reach the outputs directly, so that a linear model is a special case; "auto" is False.
    scaling : {"auto", "standard", "smooth_clip"}
        How columns are scaled before training. "standard": to mean 0 and spread 1. "smooth_clip": first by median and
        interquartile range, and clipped smoothly at ±3, u / sqrt(1 + (u/3)²), so that no far value rules its column; for
        dense tables. "auto" is "standard", and for several networks that L-BFGS trains on a dense table, without early
        stopping, both: the first half of the networks (three of five) see standardised columns, the others clipped ones. On
        a dense table with more columns than rows "auto" also weighs the columns, where alpha is "auto" too: see
        `column_weighing_`.
    n_networks : int or "auto"
        Networks trained from different first weights, whose predictions are averaged; "auto" is 5 where they cost little,
        else 1.
    solver : {"auto", "lbfgs", "adam", "gd"}
        "auto" is "lbfgs", and for tall tables "adam" on batches of 200 rows with early stopping; with l1 or dropout "adam".
    learning_rate_init : float
        For "adam" and "gd"; above 0. If training diverges it is halved, once.
    batch_size : int or None
        Rows per step, for "adam" and "gd"; None for all.
    max_iter : int
        The largest number of passes over the rows; without batches a pass is one step.
    tol : float
        When to stop, as in `twolayer.train`: for "lbfgs" at a gradient no longer than this, for the others when 10 steps
        lower the loss by less than this share of it (not with early stopping, nor with dropout).
    early_stopping : bool
        Whether rows are held out, training ends when the score on them no longer rises, and the best weights are kept.
    validation_fraction : float
        The share of rows held out; of every class its own.
    n_iter_no_change : int
        So many scores without a better one end the training. Rows are scored after every pass (on wide tables every fifth).
    scoring : str, callable or None
        The score on the rows held out: a name of scikit-learn's, or a function of (model, X, y); None is minus the loss.
    callback : callable, list of callables, or None
        Called between steps with a `twolayer.Progress`, whose weights act on the columns of `network_inputs`, and after
        the last step. Training ends when one returns True: also that of networks which would come after the one at hand;
        `n_networks_` says how many were trained. `sklearn.base.clone` keeps the same object; in another process its copy is
        called.
    warm_start : bool
        Whether `fit` starts from the weights (and the alpha, and the clip of the columns) of the fit before.
    engine : str
        One of `twolayer.engines()`, or "auto".
    device : str
        Where `fit` trains the networks: "cpu"; "cuda", "cuda:1", ... with the torch engines, of which "auto" uses "torch";
        or "auto", a GPU if there is one and the training is long enough. The search for alpha always runs on the processor.
    random_state : int, RandomState, Generator or None
        The seed of the first weights and of all other random numbers; None for different ones each time.
    verbose : int
        Above 0, prints what the fit will take, and its progress.
    loss : str or Loss
        What training makes small: "squared_error", "absolute_error", "huber" or `twolayer.Huber(delta)`, "quantile" or
        `twolayer.Quantile(level)`, a `twolayer.OwnLoss`, each of the standardised targets; or "poisson", for counts.
    spread : bool or "auto"
        Whether small networks of their own learn how far targets scatter, row by row, from rows left out of training and by
        the loss "gaussian_nll": the standard deviation and intervals then depend on the row as the table says. "auto": where
        that makes rows left out clearly more likely, by two standard errors. Predictions are the same in any case. Not with
        loss "poisson" or a quantile.

    Attributes
    ----------
    w1_ : ndarray, shape (n_inputs, n_hidden), or (n_networks, n_inputs, n_hidden) for several networks; likewise
    b1_ : ndarray, shape (n_hidden,)
    w2_ : ndarray, shape (n_hidden, n_outputs)
    b2_ : ndarray, shape (n_outputs,)
    w_skip_ : ndarray, shape (n_inputs, n_outputs), or None without a skip layer
    n_hidden_ : int
        The units in the hidden layer.
    alpha_ : float
        The weight decay used.
    alphas_tried_ : ndarray, shape (n_alphas, 2), or None
        Each alpha tried, and the loss of the rows left out.
    alpha_search_ : str or None
        How rows were left out to choose alpha: "5 folds left out in closed form", from one training for each alpha; or "5
        folds, each trained without" where that does not hold or costs more.
    n_networks_ : int
    input_clip_ : InputClip or None
        None if all networks see the columns as they are. Else `center` and `scale`, each of shape (n_inputs,), and
        `networks`, bool of shape (n_networks,): the weights of these act on clipped columns, which `network_inputs` returns.
    column_weighing_ : str
        How the standardised columns were weighed before training: "none", "|t|", "t²", or "|t| above its quantile 0.9" (0.5,
        0.98, 0.995), which leaves nine columns in ten out. t is the shrunken statistic of the column's correlation with the
        target (Tusher et al. 2001), on the rows of training. The weights are part of `w1_`.
    solver_ : str
    loss_curve_ : ndarray, shape (n_iter_,)
        The objective in each pass over the rows, for standardised columns: the mean of the networks. Without batches it is
        the objective before each step; with batches the mean of the pass.
    network_loss_curves_ : ndarray, shape (n_iter_, n_networks)
        The same of each network; one that ended earlier repeats its last.
    loss_ : float, or ndarray of shape (n_networks,)
        The objective after the last step.
    validation_scores_ : ndarray, shape (n_scores,) or (n_scores, n_networks), or None
        The scores on the rows held out.
    best_iter_ : int, ndarray or None
        The pass after which the weights were kept, of each network.
    n_iter_ : int
        Passes over the rows, as `max_iter` counts them, of the network that took most.
    stopped_ : str
        Why it ended there: "all steps taken" (`fit` then gives scikit-learn's ConvergenceWarning, where tol or the solver
        could have ended it), "tol reached", the solver's reason, "early stopping: ...", "stopped by the callback", or
        "interrupted" (Ctrl-C); of several networks each reason once.
    device_ : str
        Where the networks were trained.
    noise_std_ : ndarray, shape (n_outputs,)
        The standard deviation of the targets around the prediction: of rows left out of the networks in closed form; where
        that does not hold (see `spread_`), of the rows left out while alpha was chosen, or held out by early stopping, or of
        networks trained by L-BFGS without each fold at the alpha given; on tables too large for that, of the rows of
        training, corrected for the weights that were free to fit. Not with loss "poisson", where the mean itself is the
        variance.
    spread_ : PredictiveSpread or None
        What `predict` and `predict_interval` tell the width from, row by row; its `networks` are those of `spread`, or None.
        None where rows are not left out in closed form: with l1, dropout, early stopping, a loss without a second
        derivative, a training that was cut short, networks that nearly repeat their rows, or a table too large (rows and
        weights both above 1000); and after `partial_fit`. Then the width is constant but for the disagreement of the
        networks. Where it is not, and alpha was chosen, it is told from the rows that were left out for that.
    rows_ : KeptRows or None
        The rows of training, if `keep_rows` was called.
    n_outputs_ : int
    stream_ : StreamState
        What `partial_fit` goes on from besides the weights; it is in the model's file too.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns of X had names.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = tl.TwoLayerRegressor(random_state=0).fit(X, np.abs(X[:, 0]))
    >>> model.score(X, np.abs(X[:, 0])) > 0.99
    True

    Targets that scatter more on the right:

    >>> x = np.random.default_rng(0).uniform(0, 1, (300, 1))
    >>> y = 2 * x[:, 0] + (0.1 + x[:, 0]) * np.random.default_rng(1).standard_normal(300)
    >>> y_pred, y_std = tl.TwoLayerRegressor(random_state=0).fit(x, y).predict([[0.1], [0.9]], return_std=True)
    >>> bool(y_std[1] > 2 * y_std[0])
    True
    """

    _loss = "squared_error"
    _flag = "one_target_"
    spread_: PredictiveSpread | None = None  # where left-out rows tell it; goes with the weights

    def __init__(
        self,
        n_hidden: int | Sequence[int] = 50,
        *,
        loss: Any = "squared_error",
        spread: bool | str = "auto",
        activation: Any = "relu",
        alpha: float | str = "auto",
        l1: float = 0.0,
        dropout: float = 0.0,
        skip: bool | str = "auto",
        scaling: str = "auto",
        n_networks: int | str = "auto",
        solver: str = "auto",
        learning_rate_init: float = 0.01,
        batch_size: int | None = None,
        max_iter: int = 1000,
        tol: float = 1e-3,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        scoring: Any = None,
        callback: Any = None,
        warm_start: bool = False,
        engine: str = "auto",
        device: str = "cpu",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self._set_settings(locals())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _task_loss(self) -> Loss:
        loss = self._named_loss(getattr(self, "loss", self._loss))
        if loss.takes_labels:
            raise InputError(f"loss '{loss.name}' is for classes: use TwoLayerClassifier")
        if isinstance(loss, GaussianNLL):
            raise InputError(
                f"loss '{loss.name}' is for the squares of residuals, and predicts no targets: leave loss as it is, with "
                "spread=True, or use twolayer.train"
            )
        if not loss.has_link and (np.isfinite(loss.y_from) or np.isfinite(loss.y_to)):
            raise InputError(
                f"loss '{loss.name}' is not for a target that is standardised: use twolayer.train"
            )
        return loss

    def _standardises_y(self) -> bool:
        return not self._task_loss().has_link

    def _n_outputs(self) -> int:
        return self.n_outputs_

    def _numbers(self, y: Any) -> np.ndarray:
        """Return targets of shape (n_rows, n_outputs), if the loss takes them."""
        y = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        loss = self._task_loss()
        count = int((y < loss.y_from).sum())
        if count:
            raise InputError(
                f"loss '{loss.name}' is for counts, and y must not be negative: {count} of its values "
                f"{'is' if count == 1 else 'are'}, the lowest {y.min():g}. Use another loss, such as 'squared_error'"
            )
        return y

    def _read(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any,
        groups: np.ndarray | None = None,
        relative: bool = True,
    ) -> TrainingRows:
        check_spread(self.spread, self._task_loss())
        rows = self._read_table(X, y, sample_weight, groups, relative=relative, y_numeric=True)
        rows = self._counted(rows)
        if rows.y.ndim == 2 and rows.y.shape[1] == 1:
            rows = replace(rows, y=column_or_1d(rows.y, warn=True))
        self._one_target = np.ndim(rows.y) == 1
        rows = replace(rows, y=self._numbers(rows.y))
        self.n_outputs_ = rows.y.shape[1]
        return rows

    def _read_more(self, X: Any, y: Any, sample_weight: Any) -> TrainingRows:  # noqa: N803
        return self._read_known(
            self._read_table(X, y, sample_weight, reset=False, y_numeric=True).counted()
        )

    def _read_known(self, rows: TrainingRows) -> TrainingRows:
        """Return the rows with targets in the form of training; the number of targets is known."""
        rows = replace(rows, y=self._numbers(rows.y))
        if rows.y.shape[1] != self.n_outputs_:
            raise InputError(
                f"y had {plural(self.n_outputs_, 'column')} before, and here it has {rows.y.shape[1]}"
            )
        return rows

    def _original_targets(self, y: np.ndarray) -> np.ndarray:
        return y[:, 0] if self._one_target else y

    def predict(self, X: Any, return_std: bool = False) -> Any:  # noqa: N803
        """Predict the targets of rows: the mean of the networks.

        Parameters
        ----------
        X : array-like, data frame, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
            Of Dask's rows the answer is a Dask array, computed when it is asked for.
        return_std : bool
            Whether to return the predictive standard deviation too: of the noise (of counts, the root of their mean) and of
            what the rows of training leave open together, times what the networks of `spread` say of the row. It grows
            without bound away from the rows of training, on tables with no more columns than rows, unless `scaling` is
            "smooth_clip" or the table is large; else what is left open is the disagreement of the networks. See `spread_`.

        Returns
        -------
        y_pred : ndarray, shape (n_rows,), or for several targets (n_rows, n_outputs)
            For one target in a column too, (n_rows, 1), as in scikit-learn's MLPRegressor; `fit` warns of it.
            With loss "poisson", the mean count. float32 for X of float32, else float64.
        y_std : ndarray of the same shape
            Only with `return_std`.
        """
        if self._is_elsewhere(X):
            return self._of_blocks(X, "predict", return_std=return_std)
        outputs = self._task_loss().mean(self.network_outputs(X))
        y_pred = outputs[0] if len(outputs) == 1 else outputs.mean(axis=0)
        dtype = prediction_dtype(X)
        if not checks.flag(return_std, "return_std"):
            return self._original_targets(y_pred).astype(dtype, copy=False)
        y_std = np.sqrt(self._variance(X, y_pred, between_network_variance(outputs)))
        both = self._original_targets(y_pred), self._original_targets(y_std)
        return tuple(each.astype(dtype, copy=False) for each in both)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:  # noqa: N803
        """Return R² of the predictions, as scikit-learn's regressors do; of Dask's tables summed over their blocks."""
        if self._is_elsewhere(X):
            return self._of_blocks(X, "score", y=y, sample_weight=sample_weight)
        return super().score(X, y, sample_weight)

    def _predictions(self, outputs: np.ndarray, method: str) -> np.ndarray:
        """Return the predictions that follow from the outputs of each network."""
        y_pred = self._task_loss().mean(outputs).mean(axis=0)
        return np.asarray(self._original_targets(y_pred))

    def _variance(self, X: Any, y_pred: np.ndarray, between: np.ndarray) -> np.ndarray:  # noqa: N803
        """Return the variance of new targets, from the variance between the networks."""
        if self._task_loss().has_link:
            return y_pred + between  # the variance of a Poisson count is its mean
        if not hasattr(self, "noise_std_"):
            raise InputError("the noise is known after fit only: call fit for a standard deviation")
        if self.spread_ is None:
            return self.noise_std_**2 + between
        inputs = self.network_inputs(X)
        return self.spread_.variance(
            inputs, self.networks_, self.input_clip_, self.activation_, between
        )

    def predict_interval(
        self,
        X: Any,  # noqa: N803
        level: float = 0.9,
        *,
        kind: str = STUDENTISED,
        cv: Any = None,
        refit: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return an interval for the target of each row, from what rows left out of training were off by.

        Parameters
        ----------
        X : array-like, data frame, SciPy sparse array, or Dask array or data frame, shape (n_rows, n_inputs)
            Of Dask's rows the answer is a Dask array, computed when it is asked for.
        level : float
            The share of targets that should lie inside; between 0 and 1.
        kind : {"studentised", "normal", "jackknife+", "cv+"}
            "studentised": as many standard deviations, those of `predict(X, return_std=True)`, to each side as held the
            share of the rows left out in closed form; where no rows were left out (`spread_` is None), or they are too few
            for the level, as many as of a normal distribution. "normal": always as many as of a normal distribution.
            "jackknife+" and "cv+": from the predictions for the new row of the networks without each row of training, or
            without each fold, and what these were off by (Barber et al. 2021); also for counts (loss "poisson"). They need
            the rows of training: `keep_rows`. With groups kept, whole groups are left out.
        cv : int, splitter, iterable of (train, test), or None
            The folds of "cv+"; None for ten.
        refit : bool
            Whether "jackknife+" and "cv+" fit a clone of this model without each part, with everything chosen anew, and not
            in closed form. Then, if rows are exchangeable, the intervals hold at least the share 1 − 2·(1 − level) of new
            targets ("cv+" a little less on small tables), and close to `level` in practice. The fits are kept for the next
            call.

        Returns
        -------
        low, high : ndarray, each of the shape that `predict` returns
            n rows tell levels up to n / (n + 1). Above, a TwoLayerWarning says so, and "jackknife+" and "cv+" have no
            bounds. Another one says where the width of the default kind is nearly constant, as on tables with more columns
            than rows.

        Raises
        ------
        InputError, ValueError
            If an argument cannot be used, or "jackknife+" or "cv+" is asked of a model that keeps no rows.

        Examples
        --------
        >>> import numpy as np
        >>> import twolayer as tl
        >>> rng = np.random.default_rng(0)
        >>> X = rng.uniform(-1, 1, (60, 1))
        >>> y = np.abs(X[:, 0]) + 0.1 * rng.standard_normal(60)
        >>> model = tl.TwoLayerRegressor(10, alpha=0.1, random_state=0).fit(X, y)
        >>> low, high = model.predict_interval([[0.5]])
        >>> bool(low[0] < 0.5 < high[0])
        True
        >>> low, high = model.keep_rows(X, y).predict_interval([[0.5]], kind="jackknife+")
        >>> bool(low[0] < 0.5 < high[0])
        True
        """
        level = checked_level(level, "targets")
        kind, counts = checked_kind(kind, cv, refit), self._task_loss().has_link
        if self._is_elsewhere(X):
            asked = {"level": level, "kind": kind, "cv": cv, "refit": refit}
            return self._of_blocks(X, "predict_interval", **asked)
        if kind in LEFT_OUT_KINDS:
            x, dtype = self._checked_columns(X), prediction_dtype(X)
            low, high = left_out_interval(self, x, level, kind, cv, refit)
            ends = (np.maximum(low, 0.0) if counts else low), high
            low, high = (self._original_targets(end).astype(dtype, copy=False) for end in ends)
            return low, high
        if counts:
            raise InputError(
                "an interval of a normal distribution does not fit counts: use kind='jackknife+', or "
                "scipy.stats.poisson.interval(level, model.predict(X))"
            )
        sentence = constant_width_sentence(self.spread_)
        if sentence is not None and kind == STUDENTISED:
            warn_user(sentence)
        y_pred, y_std = self.predict(X, return_std=True)
        normal = np.array([norm.ppf(0.5 + level / 2)])
        width = (normal if kind == NORMAL else self._deviations(level)).astype(y_std.dtype) * y_std
        return y_pred - width, y_pred + width

    def _deviations(self, level: float) -> np.ndarray:
        """Return how many standard deviations to each side hold this share of targets, one number or one per output."""
        normal = np.array([norm.ppf(0.5 + level / 2)])
        if self.spread_ is None:
            return normal
        quantile = self.spread_.quantile(level)
        sentence = self.spread_.level_sentence(level)
        if sentence is None:
            return quantile
        warn_user(sentence)
        return np.maximum(quantile, normal)
