# right
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 3)); y = X @ np.array([1., 2., 3.]) + 0.5
w = np.zeros(3); b = 0.0
for i in range(100):
    yhat = X @ w + b
    err = yhat - y
    mse = (err ** 2).mean()
    dw = 2 / len(y) * X.T @ err
    db = 2 / len(y) * err.sum()
    w -= 0.1 * dw
    b -= 0.1 * db
