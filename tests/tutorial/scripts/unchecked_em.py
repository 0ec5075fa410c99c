# unchecked
import numpy as np
rng = np.random.default_rng(0)
x = np.r_[rng.normal(size=30), rng.normal(size=30) + 4]
mu = np.array([-1.0, 1.0])
for t in range(30):
    r = np.exp(-0.5 * (x[:, None] - mu) ** 2)
    loss = -np.log(r.sum(1)).sum()
    r = r / r.sum(1, keepdims=True)
    mu = (r * x[:, None]).sum(0) / r.sum(0)
