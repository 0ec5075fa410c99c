# wrong updated 24
import numpy as np

rs = np.random.RandomState(11)
a0 = rs.randn(20, 5)
goal = rs.randn(20, 3)
V1 = rs.randn(5, 9) / 2
V2 = rs.randn(9, 3) / 2
alpha = 1e-3


def relu(q):
    return q * (q > 0)


def run_epoch():
    global V1, V2
    z = a0 @ V1
    a1 = relu(z)
    a2 = a1 @ V2
    e = a2 - goal
    total = (e**2).sum()
    V2 = V2 - alpha * 2 * a1.T @ e
    back = 2 * e @ V2.T
    back = back * (z > 0)
    V1 = V1 - alpha * a0.T @ back
    return total


for epoch in range(100):
    total = run_epoch()
    if epoch % 10 == 0:
        print(epoch, total)
