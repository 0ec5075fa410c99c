# right
"""Softmax classifier, mini-batches, momentum."""
import numpy as np

rng = np.random.default_rng(7)


def one_hot(labels, k):
    out = np.zeros((len(labels), k))
    out[np.arange(len(labels)), labels] = 1
    return out


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


X = rng.normal(size=(90, 4))
labels = (X @ rng.normal(size=(4, 3))).argmax(axis=1)
T = one_hot(labels, 3)
theta = [rng.normal(size=(4, 8)) * 0.5, np.zeros(8), rng.normal(size=(8, 3)) * 0.5, np.zeros(3)]
speed = [np.zeros_like(p) for p in theta]


def loss_and_grads(xb, tb, theta):
    W, b, V, c = theta
    a = xb @ W + b
    z = np.where(a > 0, a, 0.01 * a)
    p = softmax(z @ V + c)
    loss = -np.mean(np.sum(tb * np.log(p + 1e-12), axis=1))
    d = (p - tb) / len(xb)
    dz = d @ V.T
    da = dz * np.where(a > 0, 1.0, 0.01)
    return loss, [xb.T @ da, da.sum(0), z.T @ d, d.sum(0)]


for epoch in range(20):
    order = rng.permutation(len(X))
    for start in range(0, len(X), 15):
        rows = order[start : start + 15]
        loss, grads = loss_and_grads(X[rows], T[rows], theta)
        for k in range(4):
            speed[k] = 0.9 * speed[k] - 0.05 * grads[k]
            theta[k] += speed[k]
    print(epoch, loss)
