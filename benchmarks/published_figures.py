"""Published results: on the UCI regression tables, and on the gene tables by leave-one-out and by bootstrap.

`python -m benchmarks quality uci` prints RMSE and NLL beside ours: in one table those of one hidden layer of 50 rectified
units on the same 20 splits (means), in a second one LATER. `--protocol leave-one-out` and `--protocol bootstrap` print the
others below their tables.
"""

from __future__ import annotations

# The tables and splits are those of Hernández-Lobato & Adams, Probabilistic backpropagation for scalable learning of
# Bayesian neural networks, ICML 2015. The first three columns are table 1 of Lakshminarayanan, Pritzel & Blundell, Simple
# and scalable predictive uncertainty estimation using deep ensembles, NIPS 2017; the fourth is the readme of the
# DropoutUncertaintyExps repository (dropout rate and precision by grid search, 2018).
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

# Later results, RMSE and NLL, not all on the same splits; boosting is no network.
LATER: dict[str, dict[str, tuple[float, float]]] = {
    # Duan et al., NGBoost: natural gradient boosting for probabilistic prediction, ICML 2020
    "NGBoost 2020": {
        "bostonHousing": (2.94, 2.43),
        "concrete": (5.06, 3.04),
        "energy": (0.46, 0.60),
        "kin8nm": (0.16, -0.49),
        "power-plant": (3.79, 2.79),
        "wine-quality-red": (0.63, 0.91),
        "yacht": (0.50, 0.20),
    },
    # Amini, Schwarting, Soleimany & Rus, Deep evidential regression, NeurIPS 2020
    "evidential regression 2020": {
        "bostonHousing": (3.06, 2.35),
        "kin8nm": (0.09, -1.24),
        "wine-quality-red": (0.61, 0.89),
    },
    # Gal, Hron & Kendall, Concrete dropout, NIPS 2017
    "concrete dropout 2017": {
        "concrete": (4.46, 3.51),
        "power-plant": (3.70, 2.75),
        "yacht": (0.57, 1.75),
    },
    # Matsubara, Wasserstein gradient boosting: a framework for distribution-valued supervised learning, NeurIPS 2024;
    # on its own splits, nine tenths to train on
    "Wasserstein boosting 2024": {
        "concrete": (4.15, 2.83),
        "energy": (0.42, 0.53),
        "power-plant": (3.19, 2.60),
        "yacht": (0.48, 0.16),
    },
}

# Accuracy in %, one row left out at a time, all genes: Tan et al., Simple decision rules for classifying human cancers from
# gene expression profiles, Bioinformatics 21 (2005), as in table 6 of BMC Medical Genomics 6 (2013) S3
LEAVE_ONE_OUT = {
    "alon": {"SVM": 82.3, "PAM": 89.5, "k-TSP": 90.3},
    "golub": {"SVM": 98.6, "PAM": 94.0, "k-TSP": 95.8},
    "singh": {"SVM": 91.2, "PAM": 90.9, "k-TSP": 91.2},
}

# .632+ error, 200 bootstrap samples: table 2 of Díaz-Uriarte & Alvarez de Andrés, Gene selection and classification of
# microarray data using random forest, BMC Bioinformatics 7 (2006). Rows are standardised (of colon: their logs); SVM, kNN
# and DLDA see the 200 genes of the largest F in each sample.
BOOTSTRAP = {
    "alon": {"SVM": 0.147, "kNN": 0.152, "DLDA": 0.137, "PAM": 0.122, "random forest": 0.127},
    "khan": {"SVM": 0.017, "kNN": 0.023, "DLDA": 0.011, "PAM": 0.012, "random forest": 0.021},
}
