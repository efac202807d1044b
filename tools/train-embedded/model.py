"""The Llama network of the embedded family, as plain functions over a dictionary of tensors.

Tensor names and layouts are GGUF's, except that q, k, v and gate, up are stored fused (fewer, larger products).
Training arithmetic is bfloat16 with a float32 residual stream; evaluation is float32 throughout.
"""
import dataclasses

import torch

RMS_EPS = 1e-5
ROPE_BASE = 10000.0
VOCAB = 8192
QUERY_BLOCK = 256


@dataclasses.dataclass(frozen=True)
class Shape:
    width: int
    layers: int
    ff: int
    heads: int
    kv_heads: int
    head: int = 64


SHAPES = {"target": Shape(256, 6, 768, 4, 2), "drafter": Shape(128, 2, 384, 2, 1), "drafter2": Shape(64, 1, 192, 1, 1)}


def parameter_shapes(s):
    """Names and shapes in flat-buffer order."""
    out = {"embedding": (VOCAB, s.width), "norm": (s.width,)}
    for i in range(s.layers):
        out[f"{i}.attn_norm"] = (s.width,)
        out[f"{i}.ffn_norm"] = (s.width,)
        out[f"{i}.qkv"] = ((s.heads + 2 * s.kv_heads) * s.head, s.width)
        out[f"{i}.out"] = (s.width, s.heads * s.head)
        out[f"{i}.gate_up"] = (2 * s.ff, s.width)
        out[f"{i}.down"] = (s.width, s.ff)
    return out


def views(flat, s):
    """A dictionary of views into one flat tensor."""
    out, at = {}, 0
    for name, shape in parameter_shapes(s).items():
        n = int(torch.Size(shape).numel())
        out[name] = flat[at:at + n].view(shape)
        at += n
    return out


def parameter_count(s):
    return sum(int(torch.Size(x).numel()) for x in parameter_shapes(s).values())


def from_gguf(tensors, s):
    t = {k: torch.from_numpy(v) for k, v in tensors.items()}
    out = {"embedding": t["token_embd.weight"], "norm": t["output_norm.weight"]}
    for i in range(s.layers):
        b = f"blk.{i}."
        out[f"{i}.attn_norm"] = t[b + "attn_norm.weight"]
        out[f"{i}.ffn_norm"] = t[b + "ffn_norm.weight"]
        out[f"{i}.qkv"] = torch.cat([t[b + f"attn_{x}.weight"] for x in "qkv"])
        out[f"{i}.out"] = t[b + "attn_output.weight"]
        out[f"{i}.gate_up"] = torch.cat([t[b + "ffn_gate.weight"], t[b + "ffn_up.weight"]])
        out[f"{i}.down"] = t[b + "ffn_down.weight"]
    return out


def to_gguf(p, s):
    """The GGUF tensors (float32 numpy) of a parameter dictionary."""
    out = {"output_norm.weight": p["norm"], "token_embd.weight": p["embedding"]}
    for i in range(s.layers):
        b = f"blk.{i}."
        q, k, v = p[f"{i}.qkv"].split([s.heads * s.head, s.kv_heads * s.head, s.kv_heads * s.head])
        gate, up = p[f"{i}.gate_up"].chunk(2)
        out.update({b + "attn_norm.weight": p[f"{i}.attn_norm"], b + "attn_q.weight": q, b + "attn_k.weight": k, b + "attn_v.weight": v,
                    b + "attn_output.weight": p[f"{i}.out"], b + "ffn_norm.weight": p[f"{i}.ffn_norm"],
                    b + "ffn_gate.weight": gate, b + "ffn_up.weight": up, b + "ffn_down.weight": p[f"{i}.down"]})
    return {k: v.detach().float().contiguous().numpy() for k, v in out.items()}


class RmsNorm(torch.autograd.Function):
    """Fused by hand: the eager version makes seven passes over x."""

    @staticmethod
    def forward(ctx, x, weight):
        r = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + RMS_EPS)
        n = x * r
        ctx.save_for_backward(n, r, weight)
        return (n * weight).to(weight.dtype)

    @staticmethod
    def backward(ctx, g):
        n, r, weight = ctx.saved_tensors
        g = g.float()
        dw = (g * n).sum((0, 1))
        g = g * weight
        return r * (g - n * (g * n).mean(-1, keepdim=True)), dw.to(weight.dtype)


class Rope(torch.autograd.Function):
    """Interleaved rotary embedding (llama.cpp's 'normal' RoPE): pairs are (0,1), (2,3), ..."""

    @staticmethod
    def forward(ctx, x, cos, sin):
        ctx.save_for_backward(cos, sin)
        return Rope.turn(x, cos, sin)

    @staticmethod
    def backward(ctx, g):
        cos, sin = ctx.saved_tensors
        return Rope.turn(g, cos, -sin), None, None

    @staticmethod
    def turn(x, cos, sin):
        a, b = x[..., 0::2].float(), x[..., 1::2].float()
        return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2).to(x.dtype)


_tables = {}


def rope_tables(length, head):
    """cos, sin of shape [1, length, 1, head / 2]."""
    if (length, head) not in _tables:
        inverse = ROPE_BASE ** (-torch.arange(0, head, 2, dtype=torch.float64) / head)
        angles = torch.arange(length, dtype=torch.float64)[:, None] * inverse
        _tables[length, head] = (angles.cos().float()[None, :, None], angles.sin().float()[None, :, None])
    return _tables[length, head]


def attention(q, k, v, s):
    """q [B, T, heads, head], k and v [B, T, kv, head]: causal, in query blocks so that little above the diagonal is computed."""
    B, T = q.shape[:2]
    repeat = s.heads // s.kv_heads
    q = (q * s.head ** -0.5).view(B, T, s.kv_heads, repeat, s.head).permute(0, 2, 3, 1, 4)
    k = k.permute(0, 2, 3, 1).reshape(B * s.kv_heads, s.head, T)
    v = v.permute(0, 2, 1, 3).reshape(B * s.kv_heads, T, s.head)
    outs = []
    for start in range(0, T, QUERY_BLOCK):
        end = min(T, start + QUERY_BLOCK)
        n = end - start
        mask = torch.full((n, end), float("-inf"), dtype=q.dtype).triu(start + 1).repeat(repeat, 1)
        block = q[:, :, :, start:end].reshape(B * s.kv_heads, repeat * n, s.head)
        scores = torch.baddbmm(mask.expand(B * s.kv_heads, repeat * n, end), block, k[:, :, :end])
        mixed = torch.bmm(torch.softmax(scores, -1), v[:, :end])
        outs.append(mixed.view(B, s.kv_heads, repeat, n, s.head))
    out = torch.cat(outs, 3) if len(outs) > 1 else outs[0]
    return out.permute(0, 3, 1, 2, 4).reshape(B, T, s.heads * s.head)


def hidden(p, s, x):
    """x: float32 embeddings [B, T, width]. Returns the normed last hidden state in the parameters' dtype."""
    B, T = x.shape[:2]
    cos, sin = rope_tables(T, s.head)
    for i in range(s.layers):
        h = RmsNorm.apply(x, p[f"{i}.attn_norm"])
        qkv = torch.nn.functional.linear(h, p[f"{i}.qkv"]).view(B, T, -1, s.head)
        qk = Rope.apply(qkv[:, :, :s.heads + s.kv_heads], cos, sin)
        mixed = attention(qk[:, :, :s.heads], qk[:, :, s.heads:], qkv[:, :, s.heads + s.kv_heads:], s)
        x = x + torch.nn.functional.linear(mixed, p[f"{i}.out"])
        h = RmsNorm.apply(x, p[f"{i}.ffn_norm"])
        gate, up = torch.nn.functional.linear(h, p[f"{i}.gate_up"]).chunk(2, -1)
        x = x + torch.nn.functional.linear(torch.nn.functional.silu(gate) * up, p[f"{i}.down"])
    return RmsNorm.apply(x, p["norm"])


@torch.no_grad()
def logits(p, s, tokens):
    """float32 logits [B, T, vocab] of token ids [B, T]."""
    h = hidden(p, s, p["embedding"][tokens].float())
    return torch.nn.functional.linear(h, p["embedding"]).float()


class TiedHeadLoss(torch.autograd.Function):
    """Cross-entropy (and optional distillation) over row chunks: the full logits never exist at once.

    targets: -1 rows are not scored. teacher: None, or (hidden rows, embedding) of a teacher whose next-token
    distribution is mixed into the target: (1 - mix) one-hot + mix * teacher.
    Gradients are made in the forward pass; the embedding's is added to embedding_grad in float32.
    """

    @staticmethod
    def forward(ctx, h, embedding, targets, scale, embedding_grad, teacher, mix):
        rows = h.view(-1, h.shape[-1])
        targets = targets.view(-1)
        dh = torch.empty_like(rows)
        total = 0.0
        for a in range(0, len(rows), 512):
            part = rows[a:a + 512]
            t = targets[a:a + 512]
            scored = (t >= 0).float()
            t = t.clamp_min(0)
            p = torch.softmax(torch.mm(part, embedding.t()), -1, dtype=torch.float32)
            at = torch.arange(len(t))
            total += float(-(p[at, t].clamp_min(1e-30).log() * scored).sum())
            if teacher is None:
                p[at, t] -= 1
            else:
                q = torch.softmax(torch.mm(teacher[0][a:a + 512], teacher[1].t()), -1, dtype=torch.float32)
                p.sub_(q, alpha=mix)
                p[at, t] -= 1 - mix
            g = p.mul_((scored * scale)[:, None]).to(h.dtype)
            torch.mm(g, embedding, out=dh[a:a + 512])
            if embedding_grad is not None:
                embedding_grad += torch.mm(g.t(), part)
        ctx.save_for_backward(dh.view(h.shape))
        return torch.tensor(total)

    @staticmethod
    def backward(ctx, _):
        return ctx.saved_tensors[0], None, None, None, None, None, None


@torch.no_grad()
def teach(teacher, tokens):
    """(hidden rows, embedding) of a teacher (parameters, shape) on tokens; the loss makes the distribution from them."""
    p, s = teacher
    rows = hidden(p, s, p["embedding"][tokens].float())
    return rows.view(-1, rows.shape[-1]), p["embedding"]


def loss_and_gradient(p, s, tokens, targets, scale, grads, teacher=None, mix=0.0):
    """Add the gradient of scale * summed loss to the float32 grads dictionary; returns the summed cross-entropy in nats."""
    x = p["embedding"].detach()[tokens].float().requires_grad_()
    h = hidden(p, s, x)
    loss = TiedHeadLoss.apply(h, p["embedding"].detach(), targets, scale, grads["embedding"], teacher, mix)
    loss.backward()
    grads["embedding"].index_add_(0, tokens.reshape(-1), x.grad.view(-1, s.width))
    for name, w in p.items():
        if w.grad is not None:
            grads[name] += w.grad
            w.grad = None
    return float(loss)
