# wrong not_summed 21
import numpy as np
rng = np.random.default_rng(1)
m = 6
X = rng.normal(size=(m, 3))
Y = rng.normal(size=(m, 2))
W1 = rng.normal(size=(3, 6)); b1 = np.zeros(6)
W2 = rng.normal(size=(6, 2)); b2 = np.zeros(2)
lr = 0.01
for it in range(200):
    Z1 = X @ W1 + b1
    A1 = np.maximum(Z1, 0)
    out = A1 @ W2 + b2
    cost = ((out - Y) ** 2).sum() / 2
    dout = out - Y
    dW2 = A1.T @ dout
    db2 = dout.sum(axis=0)
    dA1 = dout @ W2.T
    dZ1 = dA1 * (Z1 > 0)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=1)
    W1 -= lr * dW1; b1 -= lr * db1
    W2 -= lr * dW2; b2 -= lr * db2
