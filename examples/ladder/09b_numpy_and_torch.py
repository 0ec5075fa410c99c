"""The lines of 01 and of 05 side by side, on the same numbers, and three surprises."""

import time

import numpy as np
import torch

a = np.array([[1.0, -2.0], [3.0, 4.0]])
b = np.array([[0.5, 0.0], [-1.0, 2.0]])
ta, tb = torch.from_numpy(a.copy()), torch.from_numpy(b.copy())

same = {
    "a.dot(b)": ("a.mm(b)", a.dot(b), ta.mm(tb)),
    "a @ b": ("a @ b", a @ b, ta @ tb),
    "np.maximum(a, 0)": ("a.clamp(min=0)", np.maximum(a, 0), ta.clamp(min=0)),
    "a.T": ("a.t()", a.T, ta.t()),
    "a.copy()": ("a.clone()", a.copy(), ta.clone()),
    "np.square(a).sum()": ("a.pow(2).sum()", np.square(a).sum(), ta.pow(2).sum()),
    "a.sum(axis=0)": ("a.sum(dim=0)", a.sum(axis=0), ta.sum(dim=0)),
}
print(f"{'NumPy':<20} {'PyTorch':<16} value")
for numpy_code, (torch_code, numpy_value, torch_value) in same.items():
    assert np.array_equal(numpy_value, torch_value.numpy())
    print(f"{numpy_code:<20} {torch_code:<16} {numpy_value.tolist()}")

print("\nA tensor of one number prints as a tensor; .item() gives the number:")
loss = ta.pow(2).sum()
print("  print(loss)        ", loss)
print("  print(loss.item()) ", loss.item())

print(
    "\nClearing a gradient: .zero_() fills it with zeros, None drops it; the next backward() is the same:"
)
w = torch.ones(2, requires_grad=True)
for clear in ("nothing", "zero_", "None"):
    (3 * w).sum().backward()
    print(f"  after one more backward() w.grad = {w.grad.tolist()}, then {clear}:", end=" ")
    if clear == "zero_":
        w.grad.zero_()
    if clear == "None":
        w.grad = None
    print(w.grad)

print("\nThe clock: a GPU works on its own, and the next line runs before its work is done.")
device = "cuda" if torch.cuda.is_available() else "cpu"
big = torch.ones(2000, 2000, device=device)
big.mm(big)  # the first call is slow and is not timed
started = time.perf_counter()
big.mm(big)
queued = time.perf_counter() - started
if device == "cuda":
    torch.cuda.synchronize()  # wait for the GPU; .item() waits too
done = time.perf_counter() - started
print(f"  on {device}: queued after {queued:.6f} s, done after {done:.6f} s")
if device == "cpu":
    print(
        "  on the CPU the two are the same; on CUDA call torch.cuda.synchronize() before reading the clock"
    )
