"""Published results on the UCI regression tables: one hidden layer of 50 rectified units, means over the 20 splits.

The tables and splits are those of Hernández-Lobato & Adams, *Probabilistic backpropagation for scalable learning of
Bayesian neural networks*, ICML 2015. The first three columns are table 1 of Lakshminarayanan, Pritzel & Blundell, *Simple
and scalable predictive uncertainty estimation using deep ensembles*, NIPS 2017; the fourth is the readme of the
DropoutUncertaintyExps repository (dropout rate and precision by grid search, 2018).
"""

from __future__ import annotations

COLUMNS = ("PBP", "MC dropout", "deep ensembles", "dropout, grid search 2018")

RMSE = {
    "bostonHousing": (3.01, 2.97, 3.28, 2.90),
    "concrete": (5.67, 5.23, 6.03, 4.82),
    "energy": (1.80, 1.66, 2.09, 0.54),
    "kin8nm": (0.10, 0.10, 0.09, 0.08),
    "power-plant": (4.12, 4.02, 4.11, 4.01),
    "wine-quality-red": (0.64, 0.62, 0.64, 0.62),
    "yacht": (1.02, 1.11, 1.58, 0.67),
}

NLL = {
    "bostonHousing": (2.57, 2.46, 2.41, 2.40),
    "concrete": (3.16, 3.04, 3.06, 2.93),
    "energy": (2.04, 1.99, 1.38, 1.21),
    "kin8nm": (-0.90, -0.95, -1.20, -1.14),
    "power-plant": (2.84, 2.80, 2.79, 2.80),
    "wine-quality-red": (0.97, 0.93, 0.94, 0.93),
    "yacht": (1.63, 1.55, 1.18, 1.25),
}
