"""The program of 05 with only its forward half written: `backward()` finds the gradients. 2000 steps, timed."""

import time

import numpy as np
import torch

n_rows, n_inputs, n_hidden, n_outputs = 64, 1000, 100, 10
learning_rate = 1e-6
steps = 2000
device = "cuda" if torch.cuda.is_available() else "cpu"
dtype = torch.float32

rng = np.random.default_rng(0)
x = torch.from_numpy(rng.standard_normal((n_rows, n_inputs))).to(device, dtype)
y = torch.from_numpy(rng.standard_normal((n_rows, n_outputs))).to(device, dtype)
w1 = torch.from_numpy(rng.standard_normal((n_inputs, n_hidden))).to(device, dtype)
w2 = torch.from_numpy(rng.standard_normal((n_hidden, n_outputs))).to(device, dtype)

w1.requires_grad_()
w2.requires_grad_()

started = time.perf_counter()
for _ in range(steps):
    # Forward: from the inputs to the prediction
    h = x.mm(w1)
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2)

    # Loss: the sum of the squared differences
    loss = (y_pred - y).pow(2).sum()

    # Backward: the chain rule, run by PyTorch over the operations it recorded
    loss.backward()

    # Update: one small step downhill, not recorded, in place; then clear, because backward() adds to .grad
    with torch.no_grad():
        w1 -= learning_rate * w1.grad
        w2 -= learning_rate * w2.grad
        w1.grad.zero_()
        w2.grad.zero_()

print(steps - 1, loss.item())  # .item() waits for the device, so the clock is read after the work
print("seconds", round(time.perf_counter() - started, 3))
