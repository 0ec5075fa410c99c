# right
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for epoch in range(50):
    Z = np.dot(X, W); H = np.maximum(0., Z); O = np.dot(H, V)
    error = O - Y
    rmse = np.sqrt(np.mean(np.square(error)))
    dV = np.dot(H.T, error)
    dH = np.dot(error, V.T); dH[Z <= 0] = 0
    dW = np.dot(X.T, dH)
    np.subtract(W, 0.01 * dW, out=W)
    np.subtract(V, 0.01 * dV, out=V)
