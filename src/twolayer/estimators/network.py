"""What the estimators share: their settings, the way from users' arrays to a trained network, and its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.rows import distinct_rows
from twolayer.estimators.standardising import act_on_own_units, standardised
from twolayer.estimators.starting import start
from twolayer.maths import network
from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.network import Params
from twolayer.training import train

if TYPE_CHECKING:
    from twolayer import Progress


class TwoLayerEstimator(BaseEstimator):
    """A network with one hidden layer that learns from a table. Subclasses say what it learns."""

    _loss: str

    def __init__(
        self,
        n_hidden: int = 50,
        *,
        activation: str = "relu",
        alpha: float = 1.0,
        solver: str = "lbfgs",
        learning_rate_init: float = 0.01,
        max_iter: int = 1000,
        tol: float = 1e-3,
        engine: str = "auto",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.n_hidden = n_hidden
        self.activation = activation
        self.alpha = alpha
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.tol = tol
        self.engine = engine
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def params_(self) -> Params:
        """All weights together, as `twolayer.forward` takes them."""
        check_is_fitted(self)
        return Params(self.w1_, self.b1_, self.w2_, self.b2_)

    def _read_rows(self, X: Any, y: Any, sample_weight: Any, **how: Any) -> tuple[Any, Any, Any]:  # noqa: N803
        """The users' arrays checked, without the rows whose weight is 0."""
        X, y = validate_data(  # noqa: N806
            self, X, y, accept_sparse="csr", dtype=np.float64, ensure_all_finite=False, **how
        )
        self._refuse_gaps(X)
        s = checks.row_weights(sample_weight, X.shape[0], np.float64)
        if s is not None and not s.all():
            X, y, s = X[s > 0], y[s > 0], s[s > 0]  # noqa: N806
        return X, y, s

    def _refuse_gaps(self, X: Any) -> None:  # noqa: N803
        """Raise if a value is missing or infinite, and say in which columns."""
        sparse = checks.is_sparse(X)
        bad = ~np.isfinite(X.data if sparse else X)
        if not bad.any():
            return
        columns = np.unique(X.indices[bad] if sparse else np.flatnonzero(bad.any(axis=0)))
        names = [str(j) for j in columns[:5]]
        if hasattr(self, "feature_names_in_"):
            names = [f"'{self.feature_names_in_[j]}'" for j in columns[:5]]
        more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
        raise InputError(
            f"X has values that are NaN or infinite: {int(bad.sum())} of them, in "
            f"column{'s' if len(columns) > 1 else ''} {', '.join(names)}{more}. "
            "Fill them in (sklearn.impute.SimpleImputer) or leave those rows or columns out"
        )

    def _train(self, X: Any, y: Any, n_outputs: int, s: Any, standardise_y: bool) -> None:  # noqa: N803
        """Train on standardised columns and keep the weights that act on the columns as they are."""
        X, y, s = distinct_rows(X, y, s)  # noqa: N806
        n_hidden = checks.whole(self.n_hidden, "n_hidden")
        max_iter = checks.whole(self.max_iter, "max_iter")
        x, inputs = standardised(X, s, "X")
        targets = None
        if standardise_y:
            y, targets = standardised(y, s, "y")
        try:
            run = train(
                x,
                y,
                start(x, inputs.constant, n_hidden, n_outputs, self._rng()),
                loss=self._loss,
                activation=self.activation,
                solver=self.solver,
                learning_rate=self.learning_rate_init,
                alpha=self.alpha,
                steps=max_iter,
                tol=self.tol,
                sample_weight=s,
                engine=self.engine,
                callback=self._tell if self.verbose else None,
            )
        except MemoryError:
            raise InputError(
                f"{n_hidden} hidden units for {x.shape[1]} inputs and {x.shape[0]} rows need more memory "
                "than there is: take a smaller n_hidden"
            ) from None
        params = act_on_own_units(run.params, inputs, targets)
        self.w1_, self.b1_, self.w2_, self.b2_ = params.w1, params.b1, params.w2, params.b2
        self.loss_curve_, self.loss_ = run.losses, run.final_loss
        self.n_iter_, self.stopped_ = len(run.losses), run.stopped

    def _rng(self) -> np.random.Generator:
        if isinstance(self.random_state, np.random.Generator):
            return self.random_state
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        return np.random.default_rng(seed)

    @staticmethod
    def _tell(progress: Progress) -> None:
        print(f"step {progress.step} of {progress.steps}: loss {progress.losses[-1]:.6g}")

    def _forward(self, X: Any) -> np.ndarray:  # noqa: N803
        """The network's output for new rows, shape (n_rows, n_outputs)."""
        check_is_fitted(self)
        X = validate_data(  # noqa: N806
            self, X, accept_sparse="csr", dtype=np.float64, ensure_all_finite=False, reset=False
        )
        self._refuse_gaps(X)
        activation = checks.one_of(self.activation, ACTIVATIONS, "activation", Activation)  # type: ignore[type-abstract]
        return network.forward(X, self.params_, activation)
