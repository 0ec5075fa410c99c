# unchecked
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2))
C = X[:4].copy()
for k in range(20):
    d = ((X[:, None] - C[None]) ** 2).sum(-1)
    inertia = d.min(1).sum()
    a = d.argmin(1)
    C = np.array([X[a == j].mean(0) if (a == j).any() else C[j] for j in range(4)])
