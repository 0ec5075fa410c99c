# wrong fixed_loss 9
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
H = np.maximum(X @ W, 0)
P = H @ V
for epoch in range(50):
    loss = ((P - Y) ** 2).sum()
    G = 2 * (P - Y)
    dV = H.T @ G
    dW = X.T @ (G @ V.T * (H > 0))
    W -= 0.01 * dW
    V -= 0.01 * dV
    print(loss)
