# right
import numpy as np

rng = np.random.default_rng(0)
x_all = rng.normal(size=(60, 3))
labels = (x_all[:, 0] > 0).astype(int) + (x_all[:, 1] > 0).astype(int)
params = {"w1": rng.normal(size=(3, 8)), "b1": np.zeros(8), "w2": rng.normal(size=(8, 3)), "b2": np.zeros(3)}


def softmax(z):
    z = z - np.max(z, axis=1, keepdims=True)
    e = np.exp(z)
    return e / np.sum(e, axis=1, keepdims=True)


for epoch in range(5):
    order = rng.permutation(60)
    for i in range(0, 60, 20):
        x, label = x_all[order[i : i + 20]], labels[order[i : i + 20]]
        z1 = x @ params["w1"] + params["b1"]
        a1 = np.tanh(z1)
        z2 = a1 @ params["w2"] + params["b2"]
        p = softmax(z2)
        n = len(x)
        loss = -np.log(p[np.arange(n), label]).mean()
        dz2 = p.copy()
        dz2[np.arange(n), label] -= 1
        dz2 /= n
        da1 = dz2 @ params["w2"].T
        dz1 = da1 * (1 - a1 * a1)
        grads = {"w2": a1.T @ dz2, "b2": dz2.sum(0), "w1": x.T @ dz1, "b1": dz1.sum(0)}
        for name in params:
            params[name] -= 0.1 * grads[name]
    print(epoch, loss)
