# unchecked
import torch
from torch import nn
G, D = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2)), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
og, od = torch.optim.Adam(G.parameters()), torch.optim.Adam(D.parameters())
bce = nn.BCEWithLogitsLoss()
real = torch.randn(32, 2) + 3
for t in range(50):
    fake = G(torch.randn(32, 2))
    od.zero_grad()
    dl = bce(D(real), torch.ones(32, 1)) + bce(D(fake.detach()), torch.zeros(32, 1))
    dl.backward(); od.step()
    og.zero_grad()
    gl = bce(D(fake), torch.ones(32, 1))
    gl.backward(); og.step()
