# right
import torch

x, y = torch.randn(8, 3).float(), torch.randn(8, 2).float()
w1 = torch.randn(3, 4).requires_grad_()
w2 = torch.randn(4, 2).requires_grad_()
for t in range(50):
    loss = ((torch.tanh(x @ w1) @ w2 - y) ** 2).mean()
    g1, g2 = torch.autograd.grad(loss, [w1, w2])
    w1 = (w1 - 0.1 * g1).detach().requires_grad_()
    w2 = (w2 - 0.1 * g2).detach().requires_grad_()
