# wrong slope 32
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


class NeuralNetwork:
    def __init__(self, x, y, hidden=5):
        rng = np.random.default_rng(0)
        self.x, self.y = x, y
        self.weights1 = rng.normal(size=(x.shape[1], hidden))
        self.weights2 = rng.normal(size=(hidden, 1))

    def feedforward(self):
        self.z1 = np.dot(self.x, self.weights1)
        self.layer1 = sigmoid(self.z1)
        self.z2 = np.dot(self.layer1, self.weights2)
        self.output = sigmoid(self.z2)
        self.loss = np.sum((self.output - self.y) ** 2)

    def backprop(self):
        d2 = 2 * (self.output - self.y) * sigmoid_prime(self.z2)
        self.d_weights2 = np.dot(self.layer1.T, d2)
        d1 = np.dot(d2, self.weights2.T)
        # sigmoid_prime wants z1
        d1 = d1 * sigmoid_prime(self.layer1)
        self.d_weights1 = np.dot(self.x.T, d1)

    def step(self):
        self.weights1 -= 0.1 * self.d_weights1
        self.weights2 -= 0.1 * self.d_weights2


x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1.0]])
net = NeuralNetwork(x, np.array([[0], [1], [1], [0.0]]))
for i in range(1500):
    net.feedforward()
    net.backprop()
    net.step()
