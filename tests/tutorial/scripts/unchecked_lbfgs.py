# unchecked
import torch
torch.manual_seed(0)
x = torch.randn(64, 20); y = torch.randn(64, 10)
model = torch.nn.Sequential(torch.nn.Linear(20, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10))
opt = torch.optim.LBFGS(model.parameters(), lr=0.5)
loss_fn = torch.nn.MSELoss()
for t in range(10):
    def closure():
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        return loss
    loss = opt.step(closure)
    print(t, loss.item())
