# right
"""The gradients are added up row by row, then the weights are updated once."""

import numpy as np

rng = np.random.default_rng(0)
xs, ys = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
V, W = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for epoch in range(50):
    loss = 0.0
    gV, gW = np.zeros_like(V), np.zeros_like(W)
    for i in range(len(xs)):
        z = np.dot(xs[i], V)
        a = np.maximum(z, 0)
        e = np.dot(a, W) - ys[i]
        loss += np.sum(e**2)
        gW += np.outer(a, 2 * e)
        gV += np.outer(xs[i], np.dot(W, 2 * e) * (z > 0))
    V -= 0.001 * gV
    W -= 0.001 * gW
