# unchecked
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))
W = rng.normal(size=(3, 2))
for k in range(50):
    loss = ((X @ W - Y) ** 2).sum()
    D = rng.normal(size=W.shape) * 0.01
    if ((X @ (W + D) - Y) ** 2).sum() < loss:
        W = W + D
    else:
        W = W - D
