# right
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 6)), rng.normal(size=(20, 2)) * 3
W, V = rng.normal(size=(6, 8)), rng.normal(size=(8, 2))
for epoch in range(100):
    Z = X.dot(W); H = np.log1p(np.exp(Z))
    R = H.dot(V) - Y
    loss = np.where(np.abs(R) < 1, 0.5 * R**2, np.abs(R) - 0.5).mean()
    G = np.clip(R, -1, 1) / R.size
    gV = H.T.dot(G)
    gW = X.T.dot(G.dot(V.T) / (1 + np.exp(-Z)))
    W -= 0.05 * gW; V -= 0.05 * gV
