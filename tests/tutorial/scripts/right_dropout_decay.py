# right
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20, 6)), rng.normal(size=(20, 2))
W, V = rng.normal(size=(6, 8)), rng.normal(size=(8, 2))
lr = 0.001
best = np.inf
for epoch in range(100):
    Z = X @ W
    H = np.tanh(Z)
    keep = (rng.random(H.shape) < 0.8) / 0.8
    D = H * keep
    P = D @ V
    L = np.sum((P - Y) ** 2)
    dP = 2 * (P - Y)
    dV = D.T @ dP
    dH = dP @ V.T * keep
    dZ = dH * (1 - H ** 2)
    dW = X.T @ dZ
    W = W - lr * dW
    V = V - lr * dV
    lr *= 0.99
    if L < best: best = L; W_best = W.copy()
    if L < 1e-6: break
