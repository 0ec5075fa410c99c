# wrong not_cleared 12
import torch
torch.manual_seed(0)
x = torch.randn(64, 20); y = torch.randn(64, 10)
model = torch.nn.Sequential(torch.nn.Linear(20, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10))
opt = torch.optim.SGD(model.parameters(), lr=1e-3)
loss_fn = torch.nn.MSELoss(reduction="sum")
for t in range(100):
    for part in range(4):
        xb, yb = x[part*16:(part+1)*16], y[part*16:(part+1)*16]
        loss = loss_fn(model(xb), yb) / 4
        loss.backward()
    opt.step()
print(loss.item())
