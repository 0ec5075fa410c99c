"""The program of 01 on PyTorch tensors, still by hand: on a GPU if there is one, and in float32.

The numbers are drawn by NumPy, so that they are the numbers of 01.
"""

import numpy as np
import torch

n_rows, n_inputs, n_hidden, n_outputs = 64, 1000, 100, 10
learning_rate = 1e-6
steps = 500
device = "cuda" if torch.cuda.is_available() else "cpu"
dtype = torch.float32

rng = np.random.default_rng(0)
x = torch.from_numpy(rng.standard_normal((n_rows, n_inputs))).to(device, dtype)
y = torch.from_numpy(rng.standard_normal((n_rows, n_outputs))).to(device, dtype)
w1 = torch.from_numpy(rng.standard_normal((n_inputs, n_hidden))).to(device, dtype)
w2 = torch.from_numpy(rng.standard_normal((n_hidden, n_outputs))).to(device, dtype)

for t in range(steps):
    # Forward: from the inputs to the prediction
    h = x.mm(w1)
    h_relu = h.clamp(min=0)
    y_pred = h_relu.mm(w2)

    # Loss: the sum of the squared differences
    loss = (y_pred - y).pow(2).sum()
    print(t, loss.item())

    # Backward: the chain rule, from the loss back to each weight
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.t().mm(grad_y_pred)
    grad_h_relu = grad_y_pred.mm(w2.t())
    grad_h = grad_h_relu.clone()
    grad_h[h < 0] = 0
    grad_w1 = x.t().mm(grad_h)

    # Update: one small step downhill
    w1 -= learning_rate * grad_w1
    w2 -= learning_rate * grad_w2
