# wrong inverted 15
import torch

x, y = torch.randn(8, 6), torch.randn(8, 3)
w1, w2 = torch.randn(6, 5), torch.randn(5, 3)
for t in range(100):
    h = x @ w1
    a = torch.relu(h)
    y_pred = a @ w2
    loss = ((y_pred - y) ** 2).sum()
    g = 2 * (y_pred - y)
    g2 = a.T @ g
    ga = g @ w2.T
    # keeps the wrong half
    gh = ga * (h < 0).float()
    g1 = x.T @ gh
    w1 -= 1e-3 * g1
    w2 -= 1e-3 * g2
