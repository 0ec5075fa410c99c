# right
import numpy as np

rng = np.random.default_rng(4)
x, y = rng.normal(size=(15, 4)), rng.normal(size=(15, 2))
w1, w2 = rng.normal(size=(4, 5)), rng.normal(size=(5, 2))
v1, v2 = np.zeros_like(w1), np.zeros_like(w2)
for t in range(100):
    h = x @ w1
    a = h * (h > 0)
    e = a @ w2 - y
    print(t, (e**2).sum())
    g2 = 2 * a.T @ e
    g1 = x.T @ (2 * e @ w2.T * (h > 0))
    v1 = 0.9 * v1 + g1
    v2 = 0.9 * v2 + g2
    w1 -= 1e-4 * v1
    w2 -= 1e-4 * v2
