# right
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
w1, w2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for t in range(20):
    h = np.dot(x, w1)
    a = np.tanh(h)
    error = y - np.dot(a, w2)
    mse = np.average(error**2)
    delta = np.dot(error, w2.T) * (1 - a**2)
    w2 += 0.01 * np.dot(a.T, error)
    w1 += 0.01 * np.dot(x.T, delta)
