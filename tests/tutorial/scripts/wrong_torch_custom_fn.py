# wrong autograd 19
import torch
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, i):
        ctx.save_for_backward(i)
        return i.clamp(min=0)
    @staticmethod
    def backward(ctx, g):
        i, = ctx.saved_tensors
        g = g.clone(); g[i > 0] = 0
        return g
x, y = torch.randn(8, 6), torch.randn(8, 3)
w1 = torch.nn.Parameter(torch.randn(6, 5)); w2 = torch.nn.Parameter(torch.randn(5, 3))
for t in range(50):
    relu = MyReLU.apply
    y_pred = relu(x @ w1) @ w2
    loss = (y_pred - y).pow(2).sum()
    loss.backward()
    w1.data -= 1e-3 * w1.grad.data
    w2.data -= 1e-3 * w2.grad.data
    w1.grad.data.zero_(); w2.grad.data.zero_()
