# right
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 6)), rng.normal(size=(20, 2)) * 3
W, V = rng.normal(size=(6, 8)), rng.normal(size=(8, 2))
for epoch in range(100):
    Z = X.dot(W); H = Z.clip(min=0)
    R = H.dot(V) - Y
    loss = np.abs(R).sum()
    G = np.sign(R)
    gV = H.T.dot(G)
    gW = X.T.dot(G.dot(V.T) * (Z > 0))
    W -= 0.005 * gW; V -= 0.005 * gV
