# wrong adds 17
import numpy as np
rng = np.random.default_rng(0)
x = rng.standard_normal((64, 20)); y = rng.standard_normal((64, 10))
w1 = rng.standard_normal((20, 8)); w2 = rng.standard_normal((8, 10))
for t in range(50):
    grad_w1 = np.zeros_like(w1); grad_w2 = np.zeros_like(w2)
    for part in range(4):
        xb, yb = x[part*16:(part+1)*16], y[part*16:(part+1)*16]
        h = xb.dot(w1); h_relu = np.maximum(h, 0); y_pred = h_relu.dot(w2)
        loss = np.square(y_pred - yb).sum()
        g = 2 * (y_pred - yb)
        grad_w2 += h_relu.T.dot(g)
        gh = g.dot(w2.T); gh[h < 0] = 0
        grad_w1 += xb.T.dot(gh)
    w1 -= 1e-5 * grad_w1
    w2 += 1e-5 * grad_w2
print(loss)
