# right
import numpy as np

rng = np.random.default_rng(8)
x, y = rng.normal(size=(15, 4)), rng.normal(size=(15, 2))
w1, w2 = rng.normal(size=(4, 5)), rng.normal(size=(5, 2))
for t in range(100):
    a = np.maximum(x @ w1, 0)
    e = a @ w2 - y
    loss = (e**2).sum()
    grad_w2 = 2 * a.T @ e
    grad_w1 = x.T @ (2 * e @ w2.T * (a > 0))
    w1 -= 1e-3 * grad_w1
    w2 -= 2e-3 * grad_w2
