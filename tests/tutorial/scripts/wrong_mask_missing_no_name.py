# wrong mask 20
import numpy as np

rng = np.random.default_rng(1)
N, D, H, C = 10, 4, 7, 2
x = rng.standard_normal((N, D))
y = rng.standard_normal((N, C))
w1, b1 = rng.standard_normal((D, H)), np.zeros(H)
w2, b2 = rng.standard_normal((H, C)), np.zeros(C)
lr = 1e-3
for epoch in range(300):
    h = x @ w1 + b1
    a = np.maximum(0, h)
    y_pred = a @ w2 + b2
    loss = ((y_pred - y) ** 2).sum()
    grad_y = 2 * (y_pred - y)
    grad_w2 = a.T @ grad_y
    grad_b2 = grad_y.sum(axis=0)
    grad_a = grad_y @ w2.T
    grad_w1 = x.T @ grad_a
    grad_b1 = grad_a.sum(axis=0)
    w1 -= lr * grad_w1
    b1 -= lr * grad_b1
    w2 -= lr * grad_w2
    b2 -= lr * grad_b2
