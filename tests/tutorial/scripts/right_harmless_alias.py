# right
import numpy as np

rng = np.random.default_rng(0)
x = rng.standard_normal((8, 6))
y = rng.standard_normal((8, 3))
w1 = rng.standard_normal((6, 5))
w2 = rng.standard_normal((5, 3))
for t in range(500):
    h = x.dot(w1)
    h_relu = np.maximum(h, 0)
    y_pred = h_relu.dot(w2)
    loss = np.square(y_pred - y).sum()
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.T.dot(grad_y_pred)
    grad_h_relu = grad_y_pred.dot(w2.T)
    grad_h = grad_h_relu
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h)
    w1 -= 1e-3 * grad_w1
    w2 -= 1e-3 * grad_w2
