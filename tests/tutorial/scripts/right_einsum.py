# right
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(9, 4))
y = rng.normal(size=(9, 2))
w1 = rng.normal(size=(4, 5))
w2 = rng.normal(size=(5, 2))
t = 0
while t < 300:
    h = np.einsum("ni,ih->nh", x, w1)
    r = np.clip(h, 0, None)
    p = np.einsum("nh,ho->no", r, w2)
    err = p - y
    loss = np.einsum("no,no->", err, err)
    g2 = np.einsum("nh,no->ho", r, 2 * err)
    gh = np.einsum("no,ho->nh", 2 * err, w2) * (h > 0)
    g1 = np.einsum("ni,nh->ih", x, gh)
    w1 -= 1e-3 * g1
    w2 -= 1e-3 * g2
    t += 1
