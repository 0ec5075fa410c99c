# wrong rebound_no_grad 15
import torch

torch.manual_seed(0)
x = torch.randn(8, 6)
y = torch.randn(8, 3)
w1 = torch.randn(6, 5, requires_grad=True)
w2 = torch.randn(5, 3, requires_grad=True)
learning_rate = 1e-3
for t in range(500):
    y_pred = x.mm(w1).clamp(min=0).mm(w2)
    loss = (y_pred - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        w1 = w1 - learning_rate * w1.grad
        w2 = w2 - learning_rate * w2.grad
