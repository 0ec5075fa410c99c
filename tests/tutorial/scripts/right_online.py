# right
"""One row at a time."""

import numpy as np

rng = np.random.default_rng(0)
xs, ys = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
V, W = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for epoch in range(10):
    total = 0.0
    for x, y in zip(xs, ys):
        z = x @ V
        s = 1 / (1 + np.exp(-z))
        o = s @ W
        error = o - y
        total += float(error @ error)
        back = (W @ error) * s * (1 - s)
        W -= 0.02 * np.outer(s, error)
        V -= 0.02 * np.outer(x, back)
    print(epoch, total)
