"""What automatic differentiation is, in one line: y = w·x + b, and how y changes with each of the three."""

import torch

x = torch.tensor(1.0, requires_grad=True)
w = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)

y = w * x + b  # PyTorch computes y, and records that it came from a product and a sum
y.backward()  # it follows the record backwards, one factor of the chain rule at a time

print("y    ", y.item())
print("dy/dx", x.grad.item(), "which is w")
print("dy/dw", w.grad.item(), "which is x")
print("dy/db", b.grad.item(), "which is 1")
