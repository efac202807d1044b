# The peer of bench/draftrec.js: a training step of DraftRec in PyTorch, player network once a match as there.
# Prints one JSON line for each line it is sent, so that the two take turns.
import json
import math
import sys
import time
import torch
import torch.nn.functional as F
from torch import nn

s = json.loads(sys.argv[1])
torch.set_num_threads(s["threads"])
torch.manual_seed(0)
H, S, B, C, ST, heads, T, V = s["hidden"], s["history"], s["batch"], s["championIds"], s["stats"], s["heads"], 10, 12


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.ones(H)), nn.Parameter(torch.zeros(H))

    def forward(self, x):
        return self.a * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + self.b


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2, self.drop = Norm(), Norm(), nn.Dropout(s["dropout"])
        self.q, self.k, self.v, self.o = (nn.Linear(H, H) for _ in range(4))
        self.up, self.down = nn.Linear(H, 4 * H), nn.Linear(4 * H, H)

    def forward(self, x):
        n, rows, _ = x.shape
        z = self.n1(x)
        q, k, v = (w(z).view(n, rows, heads, H // heads).transpose(1, 2) for w in (self.q, self.k, self.v))
        chances = self.drop(F.softmax(q @ k.transpose(-1, -2) / math.sqrt(H // heads), -1))
        x = x + self.drop(self.o((chances @ v).transpose(1, 2).reshape(n, rows, H)))
        return x + self.drop(self.down(self.drop(F.gelu(self.up(self.n2(x)), approximate="tanh"))))


class DraftRec(nn.Module):
    def __init__(self):
        super().__init__()
        self.champion, self.role, self.team, self.outcome = (nn.Embedding(n, H) for n in (C, 9, 6, 6))
        self.stat = nn.Linear(ST, H)
        self.player = nn.ModuleList(Block() for _ in range(s["blocks"]))
        self.match = nn.ModuleList(Block() for _ in range(s["blocks"]))
        self.pn, self.mn, self.drop = Norm(), Norm(), nn.Dropout(s["dropout"])
        self.policy, self.bias = nn.Linear(H, H), nn.Parameter(torch.zeros(C))
        self.v0, self.v1 = nn.Linear(H, H), nn.Linear(H, 1)

    def forward(self, b):
        x = self.champion(b["past"]) + self.role(b["pastRole"]) + self.outcome(b["pastOutcome"]) + self.stat(b["stats"])
        x = self.drop(x + b["positionS"]).view(B * T, S, H)
        for block in self.player:
            x = block(x)
        p = self.pn(x[:, -1]).view(B, 1, T, H)
        m = self.champion(b["champion"])[:, None] * b["shown"] + self.role(b["role"])[:, None] + self.team(b["team"])
        m = self.drop((m + p * b["own"] + b["positionT"]).reshape(B * V, T, H))
        for block in self.match:
            m = block(m)
        m = self.mn(m).view(B, V, T, H)
        rows = torch.arange(T)
        logits = F.gelu(self.policy(m[:, rows, rows]), approximate="tanh") @ self.champion.weight.T + self.bias
        blue = (b["team"] == 4).float()[:, None]
        difference = ((m * blue).sum(2) - (m * (1 - blue)).sum(2)) / T
        return logits, self.v1(F.gelu(self.v0(difference), approximate="tanh")).squeeze(-1)


net = DraftRec()
optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-5)
team = torch.tensor([4, 5, 5, 4, 4, 5, 5, 4, 4, 5])
viewer = torch.cat([team, torch.tensor([4, 5])])
batch = {
    "past": torch.randint(4, C, (B, T, S)),
    "pastRole": torch.randint(4, 9, (B, T, S)),
    "pastOutcome": torch.randint(4, 6, (B, T, S)),
    "stats": torch.randn(B, T, S, ST),
    "positionS": torch.randn(S, H),
    "positionT": torch.randn(T, H),
    "champion": torch.randint(4, C, (B, T)),
    "role": torch.randint(4, 9, (B, T)),
    "team": team,
    "shown": (torch.arange(T)[None] < torch.arange(V)[:, None]).float()[..., None],
    "own": (team[None] == viewer[:, None]).float()[..., None],
}
won = torch.randint(0, 2, (B,)).float()[:, None].expand(B, V)


def step():
    optimiser.zero_grad()
    logits, value = net(batch)
    loss = 0.1 * F.cross_entropy(logits.reshape(-1, C), batch["champion"].reshape(-1))
    loss = loss + 0.9 * F.binary_cross_entropy_with_logits(value, won)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5)
    optimiser.step()


step()
print(json.dumps({"version": torch.__version__, "parameters": sum(p.numel() for p in net.parameters())}), flush=True)
for _ in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    ms = {"ms": (time.perf_counter() - wall) * 1000, "cpuMs": (time.process_time() - cpu) * 1000}
    print(json.dumps(ms), flush=True)
