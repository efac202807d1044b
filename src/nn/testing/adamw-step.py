# Writes adamw-step.json: two steps of AdamW in PyTorch on a small network, with clipping by norm.
# Run: python3 src/nn/testing/adamw-step.py > src/nn/testing/adamw-step.json
import json
import torch

torch.manual_seed(0)
torch.set_default_dtype(torch.float32)
x = torch.randn(16, 8)
target = torch.randint(0, 4, (16,))
first = torch.nn.Linear(8, 16)
second = torch.nn.Linear(16, 4)
net = torch.nn.Sequential(first, torch.nn.Tanh(), second)
decayed = [first.weight, second.weight]
plain = [first.bias, second.bias]
optimiser = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}], lr=1e-2, betas=(0.9, 0.95)
)


def values():
    return {
        "net.0.weight": first.weight.flatten().tolist(),
        "net.0.bias": first.bias.tolist(),
        "net.1.weight": second.weight.flatten().tolist(),
        "net.1.bias": second.bias.tolist(),
    }


result = {"x": x.flatten().tolist(), "target": target.tolist(), "before": values(), "losses": [], "norms": [], "after": []}
for _ in range(2):
    optimiser.zero_grad()
    loss = torch.nn.functional.cross_entropy(net(x), target)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 0.3)
    optimiser.step()
    result["losses"].append(loss.item())
    result["norms"].append(norm.item())
    result["after"].append(values())
print(json.dumps(result))
