# right
import numpy as np
X = np.array([[0,0],[0,1],[1,0],[1,1]], dtype=float)
y = np.array([0,1,1,0.])
rng = np.random.default_rng(3)
Xb = np.c_[X, np.ones(4)]
w_h = rng.normal(size=(3, 4)); w_o = rng.normal(size=5)
for i in range(2000):
    hid = np.tanh(Xb @ w_h)
    hb = np.hstack([hid, np.ones((4, 1))])
    o = np.tanh(hb @ w_o)
    e = y - o
    sse = e @ e
    d_o = e * (1 - o**2)
    d_h = np.outer(d_o, w_o[:-1]) * (1 - hid**2)
    w_o += 0.1 * hb.T @ d_o
    w_h += 0.1 * Xb.T @ d_h
