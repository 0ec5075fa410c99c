# wrong no_gradient 11
import torch
x, y = torch.randn(8, 6), torch.randn(8, 3)
w1 = torch.randn(6, 5, requires_grad=True); w2 = torch.randn(5, 3, requires_grad=True)
for t in range(50):
    h = torch.relu(x @ w1).detach()
    y_pred = h @ w2
    loss = (y_pred - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        w1 -= 1e-3 * w1.grad
        w2 -= 1e-3 * w2.grad
        w1.grad = None; w2.grad = None
