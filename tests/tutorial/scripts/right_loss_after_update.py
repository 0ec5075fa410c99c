# right
import numpy as np

rng = np.random.default_rng(8)
x, y = rng.normal(size=(15, 4)), rng.normal(size=(15, 2))
w1, w2 = rng.normal(size=(4, 5)), rng.normal(size=(5, 2))


def predict(x):
    return np.maximum(x @ w1, 0) @ w2


for t in range(100):
    h = x @ w1
    a = np.maximum(h, 0)
    d = a @ w2 - y
    grad_w1 = x.T @ (d @ w2.T * (h >= 0))
    w2 -= 1e-3 * a.T @ d
    w1 -= 1e-3 * grad_w1
    if t % 10 == 0:
        print(t, np.mean((predict(x) - y) ** 2))
