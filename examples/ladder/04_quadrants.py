"""The program of 03 on a real question: in which quadrant of the plane does a point lie?

Twelve points, four classes, ten hidden units; once without an activation (a linear model in two steps), once with the
rectifier. After 500 steps neither has converged, so both continue.
"""

import numpy as np

n_inputs, n_hidden, n_outputs = 2, 10, 4
learning_rate = 1e-5
predicted_steps = 500, 5_000, 50_000  # at which new points are predicted

x = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1],
              [10, 1], [-10, 1], [-10, -1], [10, -1],
              [1, 10], [-1, 10], [-1, -10], [1, -10]])  # fmt: skip
quadrant = np.array([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4])
y = np.eye(n_outputs)[quadrant - 1]  # one-hot: a 1 in the column of the quadrant
new_x = np.array([[111, -111], [1, 9], [8, 1], [1, 8]])
new_quadrant = np.array([4, 1, 1, 1])

for activation in "identity", "relu":
    rng = np.random.default_rng(0)
    w1 = rng.standard_normal((n_inputs, n_hidden))
    w2 = rng.standard_normal((n_hidden, n_outputs))
    b1 = rng.standard_normal((1, n_hidden))
    b2 = rng.standard_normal((1, n_outputs))
    print(f"\nactivation {activation}")

    for t in range(predicted_steps[-1] + 1):
        # Forward: from the inputs to the prediction
        h = x.dot(w1) + b1
        h_relu = np.maximum(h, 0) if activation == "relu" else h
        y_pred = h_relu.dot(w2) + b2

        # Loss: the sum of the squared differences
        loss = np.square(y_pred - y).sum()
        if t in (0, 1, 2, 59, *predicted_steps):
            print(t, loss)

        # At some steps: predict points that are not in the table
        if t in predicted_steps:
            new_h = new_x.dot(w1) + b1
            new_h_relu = np.maximum(new_h, 0) if activation == "relu" else new_h
            new_y_pred = new_h_relu.dot(w2) + b2
            for point, scores, true in zip(new_x, new_y_pred, new_quadrant, strict=True):
                answer = scores.argmax() + 1
                print("   ", point, "scores", scores.round(2), "quadrant", answer, "true", true)
            print("    right:", (y_pred.argmax(axis=1) + 1 == quadrant).sum(), "of the 12 points")

        # Backward: the chain rule, from the loss back to each weight
        grad_y_pred = 2.0 * (y_pred - y)
        grad_w2 = h_relu.T.dot(grad_y_pred)
        grad_b2 = grad_y_pred.sum(axis=0, keepdims=True)  # b2 is added to every row
        grad_h_relu = grad_y_pred.dot(w2.T)
        grad_h = grad_h_relu.copy()
        if activation == "relu":
            grad_h[h < 0] = 0
        grad_w1 = x.T.dot(grad_h)
        grad_b1 = grad_h.sum(axis=0, keepdims=True)

        # Update: one small step downhill
        w1 -= learning_rate * grad_w1
        w2 -= learning_rate * grad_w2
        b1 -= learning_rate * grad_b1
        b2 -= learning_rate * grad_b2

    print("w1\n", w1.round(2), "\nw2\n", w2.round(2), sep="")

with_ones = np.column_stack([x, np.ones(len(x))])
best = np.linalg.lstsq(with_ones, y, rcond=None)[0]
print("\nthe best a linear model can do", np.square(with_ones.dot(best) - y).sum())
