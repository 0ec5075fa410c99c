# right
import numpy as np
rng = np.random.default_rng(0)
x = rng.uniform(-3, 3, 40); y = np.sin(x)
c = np.linspace(-3, 3, 8)
w = np.zeros(8)
for t in range(100):
    Phi = np.exp(-(x[:, None] - c) ** 2)
    e = Phi @ w - y
    loss = (e ** 2).mean()
    w -= 0.1 * 2 * Phi.T @ e / len(x)
