# unchecked
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(30, 3)), (rng.random(30) > .5) * 1.0
w = np.zeros(3)
for k in range(20):
    p = 1 / (1 + np.exp(-X @ w))
    loss = -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum()
    g = X.T @ (p - y)
    H = X.T @ (X * (p * (1 - p))[:, None])
    w = w - np.linalg.solve(H, g)
