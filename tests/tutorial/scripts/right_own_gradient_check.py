# right
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
def loss_of(W, V): return ((np.tanh(X @ W) @ V - Y) ** 2).sum()
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for epoch in range(20):
    H = np.tanh(X @ W)
    E = 2 * (H @ V - Y)
    gV, gW = H.T @ E, X.T @ (E @ V.T * (1 - H * H))
    num = np.zeros_like(W)
    for i in range(3):
        for j in range(4):
            W[i, j] += 1e-5; up = loss_of(W, V)
            W[i, j] -= 2e-5; down = loss_of(W, V)
            W[i, j] += 1e-5
            num[i, j] = (up - down) / 2e-5
    print(loss_of(W, V), np.abs(num - gW).max())
    W -= 0.01 * gW; V -= 0.01 * gV
