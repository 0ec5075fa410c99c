# right
import numpy as np


def leaky(h, slope=0.1):
    return np.maximum(h, slope * h)


def leaky_grad(h, slope=0.1):
    g = np.ones_like(h)
    g[h < 0] = slope
    return g


rng = np.random.RandomState(3)
X, Y = rng.randn(12, 3), rng.randn(12, 2)
theta1, theta2 = rng.randn(3, 6), rng.randn(6, 2)
history = []
for step in range(150):
    H = X.dot(theta1)
    R = leaky(H)
    P = R.dot(theta2)
    E = P - Y
    J = (E * E).sum() / 2
    history.append(J)
    theta2_grad = R.T.dot(E)
    theta1_grad = X.T.dot(E.dot(theta2.T) * leaky_grad(H))
    theta1 = theta1 - 0.005 * theta1_grad
    theta2 = theta2 - 0.005 * theta2_grad
