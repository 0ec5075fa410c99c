# right
import numpy as np

rng = np.random.default_rng(4)
x, y = rng.normal(size=(15, 4)), rng.normal(size=(15, 1))
w = [rng.normal(size=(4, 5)), rng.normal(size=(5, 1))]
m = [np.zeros_like(one) for one in w]
v = [np.zeros_like(one) for one in w]
for t in range(1, 101):
    h = np.maximum(x @ w[0], 0)
    pred = h @ w[1]
    loss = np.mean((pred - y) ** 2)
    g = 2 * (pred - y) / len(x)
    grads = [x.T @ (g @ w[1].T * (h > 0)), h.T @ g]
    for k in range(2):
        m[k] = 0.9 * m[k] + 0.1 * grads[k]
        v[k] = 0.999 * v[k] + 0.001 * grads[k] ** 2
        w[k] -= 0.01 * (m[k] / (1 - 0.9**t)) / (np.sqrt(v[k] / (1 - 0.999**t)) + 1e-8)
