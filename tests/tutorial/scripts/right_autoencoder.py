# right
import numpy as np
rng = np.random.default_rng(0)
X = rng.random((20, 6))
enc, dec = rng.normal(size=(6, 3)) * .3, rng.normal(size=(3, 6)) * .3
sig = lambda z: 1 / (1 + np.exp(-z))
for step in range(200):
    code = sig(X @ enc)
    out = code @ dec
    rec = out - X
    if step % 20 == 0: print(np.sqrt(np.mean(rec ** 2)))
    gd = code.T @ rec
    ge = X.T @ ((rec @ dec.T) * code * (1 - code))
    dec -= 0.01 * gd
    enc -= 0.01 * ge
