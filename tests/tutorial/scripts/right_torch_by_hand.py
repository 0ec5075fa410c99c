# right
import torch

torch.manual_seed(0)
dtype = torch.float
device = torch.device("cpu")
x = torch.randn(8, 6, device=device, dtype=dtype)
y = torch.randn(8, 3, device=device, dtype=dtype)
w1 = torch.randn(6, 5, device=device, dtype=dtype)
w2 = torch.randn(5, 3, device=device, dtype=dtype)
for t in range(500):
    h = x.mm(w1)
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2)
    loss = (y_pred - y).pow(2).sum().item()
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_h_relu = grad_y_pred.mm(w2.t())
    grad_h = grad_h_relu.clone()
    grad_h[h < 0] = 0
    grad_w1 = x.t().mm(grad_h)
    w1 -= 1e-3 * grad_w1
    w2 -= 1e-3 * grad_w2
