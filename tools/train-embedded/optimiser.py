"""Muon for matrices, AdamW for the embedding and the norm weights, sharded over workers by layer."""
import torch

BETAS, EPS = (0.9, 0.95), 1e-8
MOMENTUM = 0.95
WEIGHT_DECAY = 0.1


def orthogonalise(x, steps=5):
    """Newton-Schulz iteration towards the nearest semi-orthogonal matrix (Keller Jordan, Muon, 2024); x [n, rows, cols]."""
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(steps):
        g = torch.bmm(x, x.transpose(1, 2))
        x = torch.baddbmm(x, torch.baddbmm(g, g, g, beta=b, alpha=c), x, beta=a)
    return (x.transpose(1, 2) if tall else x).float()


class Optimiser:
    """weights and grads: dictionaries of float32 views. This worker updates only what mine(name) says."""

    def __init__(self, weights, grads, shape, rank, workers):
        self.adam, self.muon = [], {}
        self.state = {}
        rows = len(weights["embedding"])
        lo, hi = rows * rank // workers, rows * (rank + 1) // workers
        self.adam.append(("embedding", weights["embedding"][lo:hi], grads["embedding"][lo:hi], 0.0))
        for name, w in weights.items():
            layer = 0 if name == "norm" else None if name == "embedding" else int(name.split(".")[0])
            if layer is None or layer % workers != rank:
                continue
            g = grads[name]
            if w.ndim == 1:
                self.adam.append((name, w, g, 0.0))
                continue
            # Fused matrices are orthogonalised part by part.
            sizes = [len(w)]
            if name.endswith("qkv"):
                sizes = [shape.heads * shape.head] + [shape.kv_heads * shape.head] * 2
            elif name.endswith("gate_up"):
                sizes = [shape.ff] * 2
            for i, (wp, gp) in enumerate(zip(w.split(sizes), g.split(sizes))):
                self.muon.setdefault(tuple(wp.shape), []).append((f"{name}.{i}", wp, gp))
        for name, w, g, _ in self.adam:
            self.state[name] = [torch.zeros_like(w), torch.zeros_like(w)]
        for group in self.muon.values():
            for name, w, g in group:
                self.state[name] = [torch.zeros_like(w)]

    def step(self, number, lr):
        """number counts from 1. The same lr serves both: Muon's update is scaled to Adam's usual size (Moonlight, 2025)."""
        for name, w, g, decay in self.adam:
            m, v = self.state[name]
            m.mul_(BETAS[0]).add_(g, alpha=1 - BETAS[0])
            v.mul_(BETAS[1]).addcmul_(g, g, value=1 - BETAS[1])
            d = v.sqrt().div_((1 - BETAS[1] ** number) ** 0.5).add_(EPS)
            w.addcdiv_(m, d, value=-lr / (1 - BETAS[0] ** number))
        for shape, group in self.muon.items():
            updates = []
            for name, w, g in group:
                m = self.state[name][0]
                m.mul_(MOMENTUM).add_(g, alpha=1 - MOMENTUM)
                updates.append(g.lerp(m, MOMENTUM))
            updates = orthogonalise(torch.stack(updates))
            scale = 0.2 * max(shape) ** 0.5
            for (name, w, g), u in zip(group, updates):
                w.mul_(1 - lr * WEIGHT_DECAY).add_(u, alpha=-lr * scale)
