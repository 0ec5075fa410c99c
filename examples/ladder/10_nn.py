"""The program of 07 with the network as modules: `nn.Sequential` for the forward half, `nn.MSELoss` for the loss.

`nn.Linear` keeps its weight as (outputs, inputs), the transpose of `w1` and `w2`. `nn.ReLU` has slope 0 at exactly 0, where
the programs before have 1; random numbers are never exactly 0.
"""

import time

import numpy as np
import torch
from torch import nn

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

model = nn.Sequential(
    nn.Linear(n_inputs, n_hidden, bias=False),
    nn.ReLU(),
    nn.Linear(n_hidden, n_outputs, bias=False),
).to(device, dtype)
with torch.no_grad():
    model[0].weight.copy_(w1.t())
    model[2].weight.copy_(w2.t())
loss_of = nn.MSELoss(reduction="sum")

started = time.perf_counter()
for _ in range(steps):
    # Forward: from the inputs to the prediction
    y_pred = model(x)

    # Loss: the sum of the squared differences
    loss = loss_of(y_pred, y)

    # Backward: the chain rule, run by PyTorch over the operations it recorded
    loss.backward()

    # Update: one small step downhill, not recorded, in place; then clear, because backward() adds to .grad
    with torch.no_grad():
        for w in model.parameters():
            w -= learning_rate * w.grad
    model.zero_grad()

print(steps - 1, loss.item())  # .item() waits for the device, so the clock is read after the work
print("seconds", round(time.perf_counter() - started, 3))
