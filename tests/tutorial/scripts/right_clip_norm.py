# right
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 6)), rng.normal(size=(20, 2))
W, V = rng.normal(size=(6, 5)), rng.normal(size=(5, 2))
def clip(g, most=1.0):
    n = np.linalg.norm(g)
    return g * most / n if n > most else g
for step in range(200):
    H = np.maximum(X @ W, 0)
    E = H @ V - Y
    loss = (E ** 2).sum()
    gV = clip(2 * H.T @ E)
    gW = clip(X.T @ (2 * E @ V.T * (H > 0)))
    W -= 0.01 * gW
    V -= 0.01 * gV
