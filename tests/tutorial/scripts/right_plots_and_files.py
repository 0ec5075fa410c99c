# right
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
w1, w2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
with open("log.txt", "w") as log:
    for t in range(20):
        h = x @ w1
        a = np.maximum(h, 0)
        e = a @ w2 - y
        loss = (e * e).mean()
        log.write(f"{t} {loss}\n")
        g = 2 * e / e.size
        d = g @ w2.T
        d[h < 0] = 0
        w2 -= 0.1 * (a.T @ g)
        w1 -= 0.1 * (x.T @ d)
