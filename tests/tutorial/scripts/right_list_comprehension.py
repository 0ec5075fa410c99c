# right
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
params = [rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(4, 2)), rng.normal(size=2)]
def step(params, rate):
    W, b, V, c = params
    Z = X @ W + b
    H = np.maximum(Z, 0)
    E = H @ V + c - Y
    D = E @ V.T * (Z > 0)
    grads = [X.T @ D, D.sum(0), H.T @ E, E.sum(0)]
    return 0.5 * (E ** 2).sum(), [p - rate * g for p, g in zip(params, grads)]
losses = []
for _ in range(50):
    loss, params = step(params, 0.01)
    losses.append(loss)
