# wrong sign 19
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(12, 3))
label = rng.integers(0, 3, 12)
onehot = np.eye(3)[label]
w1, w2 = rng.normal(size=(3, 5)), rng.normal(size=(5, 3))
for t in range(100):
    z = x @ w1
    a = np.maximum(z, 0)
    s = a @ w2
    e = np.exp(s - s.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    loss = -(onehot * np.log(p)).sum() / len(x)
    if t % 10 == 0:
        print(loss)
    # the other way round
    ds = (onehot - p) / len(x)
    dw2 = a.T @ ds
    da = ds @ w2.T
    dz = da * (z > 0)
    dw1 = x.T @ dz
    w1 -= 0.1 * dw1
    w2 -= 0.1 * dw2
