# wrong slope 11
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for epoch in range(50):
    Z = X @ W
    H = np.where(Z > 0, Z, 0.2 * Z)
    E = H @ V - Y
    loss = (E ** 2).sum()
    dZ = 2 * E @ V.T * (Z > 0)
    dW = X.T @ dZ
    dV = 2 * H.T @ E
    W -= 0.01 * dW
    V -= 0.01 * dV
