"""The same program with biases: a number of its own for each hidden unit and each output."""

import numpy as np

n_rows, n_inputs, n_hidden, n_outputs = 64, 1000, 100, 10
learning_rate = 1e-6
steps = 500

rng = np.random.default_rng(0)
x = rng.standard_normal((n_rows, n_inputs))
y = rng.standard_normal((n_rows, n_outputs))
w1 = rng.standard_normal((n_inputs, n_hidden))
w2 = rng.standard_normal((n_hidden, n_outputs))
b1 = rng.standard_normal((1, n_hidden))
b2 = rng.standard_normal((1, n_outputs))

for t in range(steps):
    # Forward: from the inputs to the prediction
    h = x.dot(w1) + b1
    h_relu = np.maximum(h, 0)
    y_pred = h_relu.dot(w2) + b2

    # Loss: the sum of the squared differences
    loss = np.square(y_pred - y).sum()
    print(t, loss)

    # Backward: the chain rule, from the loss back to each weight
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.T.dot(grad_y_pred)
    grad_b2 = grad_y_pred.sum(axis=0, keepdims=True)  # b2 is added to every row
    grad_h_relu = grad_y_pred.dot(w2.T)
    grad_h = grad_h_relu.copy()
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h)
    grad_b1 = grad_h.sum(axis=0, keepdims=True)

    # Update: one small step downhill
    w1 -= learning_rate * grad_w1
    w2 -= learning_rate * grad_w2
    b1 -= learning_rate * grad_b1
    b2 -= learning_rate * grad_b2
