# wrong slope 24
import numpy as np


class MLP:
    def __init__(self, n_in, n_hid, n_out, eta=0.005):
        r = np.random.RandomState(4)
        self.wi = r.normal(0, 0.7, (n_in, n_hid))
        self.wo = r.normal(0, 0.7, (n_hid, n_out))
        self.eta = eta

    def forward(self, data):
        self.data = data
        self.pre = data.dot(self.wi)
        self.hid = np.tanh(self.pre)
        return self.hid.dot(self.wo)

    def train_step(self, data, target):
        out = self.forward(data)
        err = out - target
        loss = 0.5 * np.sum(err**2)
        g_wo = self.hid.T.dot(err)
        g_hid = err.dot(self.wo.T)
        g_pre = g_hid * (1 - self.pre**2)
        g_wi = self.data.T.dot(g_pre)
        self.wo -= self.eta * g_wo
        self.wi -= self.eta * g_wi
        return loss


r = np.random.RandomState(0)
data = r.randn(30, 4)
target = np.sin(data[:, :1])
net = MLP(4, 7, 1)
for k in range(300):
    value = net.train_step(data, target)
    if k % 50 == 0:
        print(k, value)
