# wrong scale 12
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3)); t = np.eye(3)[X.argmax(1)]
W, V = rng.normal(size=(3, 6)), rng.normal(size=(6, 3))
for epoch in range(50):
    Z = X @ W; H = np.maximum(Z, 0)
    S = H @ V
    P = np.exp(S) / np.exp(S).sum(axis=1)[:, None]
    loss = -(t * np.log(P)).sum() / len(X)
    acc = (P.argmax(1) == t.argmax(1)).mean()
    D = P - t
    dV = H.T @ D / len(X)
    dW = X.T @ (D @ V.T * (Z > 0))
    W -= 0.5 * dW; V -= 0.5 * dV
    print(epoch, acc)
