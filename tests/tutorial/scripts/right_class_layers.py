# right
"""Layers as objects, each with a forward and a backward; parameters and gradients are kept in them."""

import numpy as np


class Linear:
    def __init__(self, n_in, n_out, rng):
        self.W = rng.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in)
        self.b = np.zeros((1, n_out))

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.W + self.b

    def backward(self, grad):
        self.dW = self.inputs.T @ grad
        self.db = grad.sum(axis=0, keepdims=True)
        return grad @ self.W.T


class ReLU:
    def forward(self, inputs):
        self.on = inputs > 0
        return np.where(self.on, inputs, 0.0)

    def backward(self, grad):
        return grad * self.on


class MeanSquares:
    def forward(self, predicted, target):
        self.difference = predicted - target
        return np.mean(self.difference**2)

    def backward(self):
        return 2 * self.difference / self.difference.size


class Network:
    def __init__(self, sizes, seed=0):
        rng = np.random.default_rng(seed)
        self.layers = []
        for n_in, n_out in zip(sizes, sizes[1:]):
            self.layers += [Linear(n_in, n_out, rng), ReLU()]
        self.layers.pop()

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)

    def step(self, rate):
        for layer in self.layers:
            if isinstance(layer, Linear):
                layer.W -= rate * layer.dW
                layer.b -= rate * layer.db


def main():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((16, 3)), rng.standard_normal((16, 2))
    network, criterion = Network([3, 6, 2]), MeanSquares()
    for epoch in range(200):
        loss = criterion.forward(network.forward(x), y)
        network.backward(criterion.backward())
        network.step(0.05)
        if epoch % 50 == 0:
            print(f"{epoch}: {loss:.4f}")


if __name__ == "__main__":
    main()
