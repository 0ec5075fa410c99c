# unchecked
import torch
torch.manual_seed(0)
x = torch.randn(64, 20); y = torch.randn(64, 10)
w1 = torch.randn(20, 8, requires_grad=True); w2 = torch.randn(8, 10, requires_grad=True)
opt = torch.optim.LBFGS([w1, w2], lr=0.5)
def closure():
    opt.zero_grad()
    loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
    loss.backward()
    return loss
for t in range(10):
    loss = opt.step(closure)
    print(t, loss.item())
