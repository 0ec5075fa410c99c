"""Is it any good: splits, scores, baselines, intervals, the verdict and the warnings."""
