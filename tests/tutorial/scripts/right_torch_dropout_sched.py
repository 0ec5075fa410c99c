# right
import copy
import torch
from torch import nn, optim
torch.manual_seed(0)
X, Y = torch.randn(64, 5), torch.randn(64, 1)
Xv, Yv = torch.randn(16, 5), torch.randn(16, 1)
net = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
opt = optim.AdamW(net.parameters(), lr=0.01)
sched = optim.lr_scheduler.StepLR(opt, step_size=5, gamma=0.5)
lossf = nn.SmoothL1Loss()
best, best_state = 1e9, None
for epoch in range(20):
    net.train()
    perm = torch.randperm(64)
    for i in range(0, 64, 16):
        idx = perm[i:i+16]
        opt.zero_grad()
        out = net(X[idx])
        loss = lossf(out, Y[idx])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
    sched.step()
    net.eval()
    with torch.no_grad():
        v = lossf(net(Xv), Yv).item()
    if v < best:
        best, best_state = v, copy.deepcopy(net.state_dict())
