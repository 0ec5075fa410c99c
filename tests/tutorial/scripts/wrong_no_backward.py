# wrong forward_only 8
import torch
x, y = torch.randn(8, 6), torch.randn(8, 3)
model = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
opt = torch.optim.SGD(model.parameters(), lr=.01)
for t in range(50):
    y_pred = model(x)
    loss = ((y_pred - y) ** 2).mean()
    opt.zero_grad()
    opt.step()
    print(loss.item())
