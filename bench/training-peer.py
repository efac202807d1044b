# The peer of src/bench/training.ts: the same transformer and training step in PyTorch. Prints JSON.
import json
import sys
import time
import torch
import torch.nn.functional as F

s = json.loads(sys.argv[1])
torch.set_num_threads(1)
torch.manual_seed(0)
size, rows, batch, heads = s["size"], s["rows"], s["batch"], s["heads"]
head = size // heads


def rotate(x, cos, sin):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Norm(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(size))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


def linear(a, b):
    return torch.nn.Linear(a, b, bias=False)


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.between = Norm(), Norm()
        self.q, self.k, self.v, self.o = (linear(size, size) for _ in range(4))
        self.gate, self.up, self.down = linear(size, s["hidden"]), linear(size, s["hidden"]), linear(s["hidden"], size)

    def forward(self, x, cos, sin, mask):
        y = self.before(x)
        split = lambda t: t.view(batch, rows, heads, head).transpose(1, 2)
        q, k, v = rotate(split(self.q(y)), cos, sin), rotate(split(self.k(y)), cos, sin), split(self.v(y))
        p = torch.softmax(q @ k.transpose(-1, -2) / head**0.5 + mask, -1)
        x = x + self.o((p @ v).transpose(1, 2).reshape(batch, rows, size))
        y = self.between(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(s["vocabulary"], size)
        self.blocks = torch.nn.ModuleList(Block() for _ in range(s["layers"]))
        self.last = Norm()

    def forward(self, tokens, cos, sin, mask):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, cos, sin, mask)
        return self.last(x) @ self.embedding.weight.T


net = Net()
optimiser = torch.optim.AdamW(net.parameters(), lr=1e-4, weight_decay=0.1)
tokens = torch.randint(0, s["vocabulary"], (batch, rows))
labels = torch.randint(0, s["vocabulary"], (batch, rows))
angles = torch.outer(torch.arange(rows).float(), 10000.0 ** (-torch.arange(0, head, 2).float() / head))
mask = torch.full((rows, rows), float("-inf")).triu(1)
times = []
for _ in range(6):
    start = time.process_time()
    optimiser.zero_grad()
    loss = F.cross_entropy(net(tokens, angles.cos(), angles.sin(), mask).flatten(0, 1), labels.flatten())
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    times.append(1000 * (time.process_time() - start))
print(json.dumps({"ms": sorted(times[1:])[2], "version": torch.__version__}))
