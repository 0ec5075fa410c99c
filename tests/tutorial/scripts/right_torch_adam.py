# right
import torch

torch.manual_seed(1)
x, y = torch.randn(20, 3), torch.randn(20, 1)
model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Sigmoid(), torch.nn.Linear(8, 1))
loss_fn = torch.nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
losses = []
for epoch in range(30):
    model.train()
    y_pred = model(x)
    loss = loss_fn(y_pred, y)
    losses.append(loss.item())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
