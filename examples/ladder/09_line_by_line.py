"""The program of 01, one step of it, on numbers small enough to check with a pencil: what does each line do?"""

import numpy as np

np.set_printoptions(precision=3, suppress=True)


def show(code, meaning, **variables):
    print(f"\n>>> {code}\n    {meaning}")
    for name, value in variables.items():
        shape = f" {value.shape}" if np.ndim(value) else ""
        text = np.array2string(np.asarray(value)).replace("\n", "\n" + " " * 8)
        print(f"    {name}{shape} =\n        {text}")


print("4 rows (examples), 3 inputs each, one hidden layer that is 5 units wide, 2 outputs.")
print(
    "n_hidden is the width of the one hidden layer, not a number of layers; n_rows is not the inputs."
)
n_rows, n_inputs, n_hidden, n_outputs = 4, 3, 5, 2
learning_rate = 0.01

rng = np.random.default_rng(0)
x = rng.standard_normal((n_rows, n_inputs))
y = rng.standard_normal((n_rows, n_outputs))
show(
    "x = rng.standard_normal((n_rows, n_inputs))",
    "A table of random numbers around 0, most between -2 and 2; the pair is (rows, columns).\n"
    "    np.random.randn(4, 3) draws the same kind of table, with the two numbers not in a pair.",
    x=x,
    y=y,
)

w1 = rng.standard_normal((n_inputs, n_hidden))
w2 = rng.standard_normal((n_hidden, n_outputs))
show(
    "w1, w2 = ...",
    "The weights: a column of w1 for each hidden unit, a column of w2 for each output.\n"
    "    Many formulas add a bias (x w1 + b1); this program has none, 03_bias.py has.",
    w1=w1,
    w2=w2,
)

h = x.dot(w1)
show(
    "h = x.dot(w1)",
    "The matrix product: h[i, j] is row i of x times column j of w1, added up. x @ w1 is the same.\n"
    "    Rows times weights here; books with one column per example write weights times columns.",
    h=h,
)
terms = " + ".join(f"({a:.3f})({b:.3f})" for a, b in zip(x[0], w1[:, 0], strict=True))
print(f"    h[0, 0] = {terms} = {h[0, 0]:.3f}")

h_relu = np.maximum(h, 0)
show(
    "h_relu = np.maximum(h, 0)",
    f"The rectifier: every negative number becomes 0 ({(h < 0).sum()} of {h.size} here),\n"
    f"    such as h[0, 0]: {h[0, 0]:.3f} becomes {h_relu[0, 0]:.3f}.",
    h_relu=h_relu,
)

y_pred = h_relu.dot(w2)
show("y_pred = h_relu.dot(w2)", "The prediction: two numbers for each row.", y_pred=y_pred)

loss = np.square(y_pred - y).sum()
show(
    "loss = np.square(y_pred - y).sum()",
    "The loss: each difference squared, all added up. The mean squared error is this\n"
    f"    divided by the number of squares, {loss:.3f} / {y.size} = {np.square(y_pred - y).mean():.3f}.",
    loss=loss,
)

grad_y_pred = 2.0 * (y_pred - y)
show(
    "grad_y_pred = 2.0 * (y_pred - y)",
    "Chain rule: the derivative of a square is twice what was squared.",
    grad_y_pred=grad_y_pred,
)

grad_w2 = h_relu.T.dot(grad_y_pred)
show(
    "grad_w2 = h_relu.T.dot(grad_y_pred)",
    "Chain rule: y_pred = h_relu · w2, so d loss / d w2 = h_relu.T · (d loss / d y_pred).\n"
    "    Shapes: (5, 4) · (4, 2) is (5, 2), the shape of w2.",
    grad_w2=grad_w2,
)

grad_h_relu = grad_y_pred.dot(w2.T)
show(
    "grad_h_relu = grad_y_pred.dot(w2.T)",
    "Chain rule, the other factor of the same product: (d loss / d y_pred) · w2.T.\n"
    "    Shapes: (4, 2) · (2, 5) is (4, 5), the shape of h_relu.",
    grad_h_relu=grad_h_relu,
)

grad_h = grad_h_relu.copy()
show(
    "grad_h = grad_h_relu.copy()",
    "A separate table. Without .copy() grad_h is a second name for grad_h_relu,\n"
    "    and the next line would clear entries of both.",
)

grad_h[h < 0] = 0
show(
    "grad_h[h < 0] = 0",
    "Where h was negative the rectifier gave 0 whatever h was: slope 0, nothing to pass back.\n"
    f"    Cleared (row, column): {', '.join(f'({i}, {j})' for i, j in np.argwhere(h < 0))}",
    grad_h=grad_h,
)

grad_w1 = x.T.dot(grad_h)
show(
    "grad_w1 = x.T.dot(grad_h)",
    "Chain rule: h = x · w1, so d loss / d w1 = x.T · (d loss / d h).\n"
    "    Shapes: (3, 4) · (4, 5) is (3, 5), the shape of w1.",
    grad_w1=grad_w1,
)

w1 -= learning_rate * grad_w1
w2 -= learning_rate * grad_w2
show(
    "w1 -= learning_rate * grad_w1;  w2 -= learning_rate * grad_w2",
    "Each weight moves a little against its gradient: downhill.",
    w1=w1,
    w2=w2,
)

print(
    "\nThe loop with its forward half only: nothing changes the weights, so the loss never changes."
)
for t in range(4):
    loss = np.square(np.maximum(x.dot(w1), 0).dot(w2) - y).sum()
    print(t, loss)

print("\nThe loop with both halves:")
for t in range(4):
    h = x.dot(w1)
    h_relu = np.maximum(h, 0)
    grad_y_pred = 2.0 * (h_relu.dot(w2) - y)
    grad_h = grad_y_pred.dot(w2.T)
    grad_h[h < 0] = 0
    print(t, np.square(h_relu.dot(w2) - y).sum())
    w1 -= learning_rate * x.T.dot(grad_h)
    w2 -= learning_rate * h_relu.T.dot(grad_y_pred)
    for name, w in (("w1", w1), ("w2", w2)):
        print(f"  {name} =", np.array2string(w, prefix="  w1 = "))
