"""The estimators, with scikit-learn's interface: users' arrays are checked here and nowhere below."""

from twolayer.estimators.classifier import TwoLayerClassifier
from twolayer.estimators.cv import TwoLayerClassifierCV, TwoLayerRegressorCV
from twolayer.estimators.regressor import TwoLayerRegressor

__all__ = [
    "TwoLayerClassifier",
    "TwoLayerClassifierCV",
    "TwoLayerRegressor",
    "TwoLayerRegressorCV",
]
