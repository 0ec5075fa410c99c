# wrong slope 22
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


rng = np.random.default_rng(5)
data = rng.normal(size=(12, 3))
target = (data.sum(axis=1, keepdims=True) > 0).astype(float)
u = rng.normal(size=(3, 4))
v = rng.normal(size=(4, 1))
eta = 0.5
for k in range(400):
    z1 = data @ u
    a1 = sigmoid(z1)
    z2 = a1 @ v
    a2 = sigmoid(z2)
    cost = 0.5 * np.mean((a2 - target) ** 2)
    delta2 = (a2 - target) * a2 * (1 - a2) / len(data)
    delta1 = delta2 @ v.T * z1 * (1 - z1)
    v -= eta * a1.T @ delta2
    u -= eta * data.T @ delta1
