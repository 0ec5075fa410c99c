# right
import numpy as np

np.random.seed(2)
A = np.random.randn(20, 4)
B = np.sin(A[:, :1])
W1, W2, W3 = np.random.randn(4, 6), np.random.randn(6, 5), np.random.randn(5, 1)
for i in range(100):
    Z1 = np.matmul(A, W1)
    H1 = np.tanh(Z1)
    Z2 = np.matmul(H1, W2)
    H2 = np.tanh(Z2)
    out = np.matmul(H2, W3)
    L = 0.5 * np.sum(np.power(out - B, 2))
    dout = out - B
    dW3 = np.matmul(H2.T, dout)
    dZ2 = np.matmul(dout, W3.T) * (1 - H2**2)
    dW2 = np.matmul(H1.T, dZ2)
    dZ1 = np.matmul(dZ2, W2.T) * (1 - H1**2)
    dW1 = np.matmul(A.T, dZ1)
    W1, W2, W3 = W1 - 0.003 * dW1, W2 - 0.003 * dW2, W3 - 0.003 * dW3
