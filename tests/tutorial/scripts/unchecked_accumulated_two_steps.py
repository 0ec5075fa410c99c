# unchecked
import torch
m = torch.nn.Linear(3, 1)
opt = torch.optim.SGD(m.parameters(), lr=.01)
x, y = torch.randn(40, 3), torch.randn(40, 1)
for e in range(5):
    for i in range(0, 40, 10):
        loss = ((m(x[i:i+10]) - y[i:i+10]) ** 2).mean() / 2
        loss.backward()
        if (i // 10) % 2 == 1:
            opt.step(); opt.zero_grad()
