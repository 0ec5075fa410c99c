# right
import torch
torch.manual_seed(0)
x = torch.randn(64, 20); y = torch.randn(64, 10)
w1 = torch.randn(20, 8, requires_grad=True); w2 = torch.randn(8, 10, requires_grad=True)
lr = 1e-5
for t in range(100):
    for part in range(4):
        xb, yb = x[part*16:(part+1)*16], y[part*16:(part+1)*16]
        loss = (xb.mm(w1).clamp(min=0).mm(w2) - yb).pow(2).sum()
        loss.backward()
    with torch.no_grad():
        w1 -= lr * w1.grad
        w2 -= lr * w2.grad
        w1.grad.zero_(); w2.grad.zero_()
print(loss.item())
