"""Greedy or sampled continuation with a key-value cache, for evaluation and for distillation samples."""
import torch

import model


class Cache:
    def __init__(self, p, s, batch, capacity):
        self.p, self.s, self.length = p, s, 0
        dtype = p["embedding"].dtype
        self.k = torch.zeros(s.layers, batch, s.kv_heads, capacity, s.head, dtype=dtype)
        self.v = torch.zeros_like(self.k)
        self.cos, self.sin = model.rope_tables(capacity, s.head)

    def forward(self, tokens):
        """tokens [B, n] after what was fed before; returns the last position's logits [B, vocab]."""
        p, s = self.p, self.s
        B, n = tokens.shape
        a, b = self.length, self.length + n
        x = p["embedding"][tokens].float()
        cos, sin = self.cos[:, a:b], self.sin[:, a:b]
        mask = torch.full((n, b), float("-inf"), dtype=p["embedding"].dtype).triu(a + 1)
        for i in range(s.layers):
            h = model.RmsNorm.forward(Nothing, x, p[f"{i}.attn_norm"])
            qkv = torch.nn.functional.linear(h, p[f"{i}.qkv"]).view(B, n, -1, s.head)
            qk = model.Rope.turn(qkv[:, :, :s.heads + s.kv_heads], cos, sin)
            self.k[i][:, :, a:b] = qk[:, :, s.heads:].transpose(1, 2)
            self.v[i][:, :, a:b] = qkv[:, :, s.heads + s.kv_heads:].transpose(1, 2)
            q = qk[:, :, :s.heads].view(B, n, s.kv_heads, -1, s.head).permute(0, 2, 3, 1, 4) * s.head ** -0.5
            scores = q @ self.k[i][:, :, None, :b].transpose(-1, -2) + mask
            mixed = torch.softmax(scores, -1) @ self.v[i][:, :, None, :b]
            x = x + torch.nn.functional.linear(mixed.permute(0, 3, 1, 2, 4).reshape(B, n, -1), p[f"{i}.out"])
            h = model.RmsNorm.forward(Nothing, x, p[f"{i}.ffn_norm"])
            gate, up = torch.nn.functional.linear(h, p[f"{i}.gate_up"]).chunk(2, -1)
            x = x + torch.nn.functional.linear(torch.nn.functional.silu(gate) * up, p[f"{i}.down"])
        self.length = b
        h = model.RmsNorm.forward(Nothing, x[:, -1:], p["norm"])[:, 0]
        return torch.nn.functional.linear(h, p["embedding"]).float()


class Nothing:
    """Stands in for an autograd context where nothing is saved."""

    @staticmethod
    def save_for_backward(*_):
        pass


@torch.no_grad()
def generate(p, s, prompts, count, temperature=0.0, generator=None, stop=()):
    """prompts: token tensor [B, T] of equal lengths. Returns [B, <= count] new tokens; stops early when B is 1 and a stop token came.

    temperature: a number, or a tensor [B, 1].
    """
    cache = Cache(p, s, len(prompts), prompts.shape[1] + count)
    logits = cache.forward(prompts)
    out = []
    for _ in range(count):
        greedy = logits.argmax(-1, keepdim=True)
        if isinstance(temperature, torch.Tensor) or temperature > 0:
            t = torch.as_tensor(temperature, dtype=torch.float32)
            drawn = torch.multinomial(torch.softmax(logits / t.clamp_min(1e-3), -1), 1, generator=generator)
            token = torch.where(t > 0, drawn, greedy)
        else:
            token = greedy
        out.append(token)
        if len(prompts) == 1 and int(token) in stop:
            break
        if len(out) < count:
            logits = cache.forward(token)
    return torch.cat(out, 1)
