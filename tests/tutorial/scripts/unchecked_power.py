# unchecked
import numpy as np
rng = np.random.default_rng(0)
A = rng.normal(size=(5, 5)); A = A @ A.T
v = rng.normal(size=5)
for k in range(50):
    w = A @ v
    lam = v @ w
    err = np.linalg.norm(w - lam * v)
    v = w / np.linalg.norm(w)
