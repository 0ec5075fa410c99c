"""Evaluation, of how good a model is: splits, scores, baselines, intervals, the verdict and the warnings."""
