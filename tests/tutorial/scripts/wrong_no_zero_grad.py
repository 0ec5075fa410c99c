# wrong not_cleared 24
import torch
from torch import nn

torch.manual_seed(1)
inputs = torch.randn(40, 6)
targets = torch.randn(40, 1)


class Regressor(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, x):
        return self.body(x)


def train(model, epochs):
    opt = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(epochs):
        pred = model(inputs)
        loss = nn.functional.mse_loss(pred, targets)
        loss.backward()
        opt.step()
    return loss.item()


if __name__ == "__main__":
    print(train(Regressor(8), 100))
