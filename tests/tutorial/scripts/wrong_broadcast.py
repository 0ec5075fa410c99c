# wrong repeated 12
import torch
import torch.nn.functional as F

torch.manual_seed(2)
x = torch.rand(32, 3)
y = x.sum(dim=1) ** 2
w1 = torch.randn(3, 10, requires_grad=True)
w2 = torch.randn(10, 1, requires_grad=True)
for t in range(200):
    y_pred = torch.sigmoid(x @ w1) @ w2
    loss = F.mse_loss(y_pred, y)
    loss.backward()
    with torch.no_grad():
        for p in (w1, w2):
            p -= 0.05 * p.grad
            p.grad = None
    if t % 50 == 0:
        print(t, loss.item())
