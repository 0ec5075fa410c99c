# wrong factor 20
import numpy as np

n_rows, n_inputs, n_hidden, n_outputs = 8, 6, 5, 3
learning_rate = 1e-3

rng = np.random.default_rng(0)
x = rng.standard_normal((n_rows, n_inputs))
y = rng.standard_normal((n_rows, n_outputs))
w1 = rng.standard_normal((n_inputs, n_hidden))
w2 = rng.standard_normal((n_hidden, n_outputs))

for t in range(500):
    h = x.dot(w1)
    h_relu = np.maximum(h, 0)
    y_pred = h_relu.dot(w2)
    loss = np.square(y_pred - y).sum()
    print(t, loss)
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h.T.dot(grad_y_pred)
    grad_h_relu = grad_y_pred.dot(w2.T)
    grad_h = grad_h_relu.copy()
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h)
    w1 -= learning_rate * grad_w1
    w2 -= learning_rate * grad_w2
