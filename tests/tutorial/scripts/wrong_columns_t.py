# wrong turn 14
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(5, 5)), rng.normal(size=(5, 5))
W1, b1, W2, b2 = rng.normal(size=(5, 5)), np.zeros((5, 1)), rng.normal(size=(5, 5)), np.zeros((5, 1))
for i in range(30):
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = W2 @ A1 + b2
    J = ((A2 - Y) ** 2).sum()
    dA2 = 2 * (A2 - Y)
    dW2 = dA2 @ A1.T
    db2 = dA2.sum(1, keepdims=True)
    dA1 = W2 @ dA2
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1 @ X.T
    db1 = dZ1.sum(1, keepdims=True)
    W1 -= .001 * dW1; b1 -= .001 * db1; W2 -= .001 * dW2; b2 -= .001 * db2
