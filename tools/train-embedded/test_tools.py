"""Checks of the tooling itself, seconds long: python3 test_tools.py FOLDER_WITH_START_MODELS"""
import random
import sys
import tempfile

import numpy as np
import torch

import export
import generate
import gguf_io
import model
import revise


def test_q8_0_round_trip():
    x = np.random.default_rng(1).normal(size=(8, 64)).astype(np.float32)
    with tempfile.NamedTemporaryFile() as f:
        gguf_io.write(f.name, {"general.name": (gguf_io.STRING, "x")}, {"a": (gguf_io.Q8_0, x), "b": (gguf_io.F32, x[0])})
        metadata, tensors = gguf_io.read(f.name)
    assert metadata["general.name"][1] == b"x"
    assert np.array_equal(tensors["b"], x[0])
    step = np.abs(x.reshape(-1, 32)).max(1) / 127
    assert (np.abs(tensors["a"] - x).reshape(-1, 32).max(1) <= 0.52 * step).all()


def test_gradient():
    """The hand-made backward passes against numeric differences, in float64-free arithmetic on a tiny model."""
    s = model.Shape(64, 1, 64, 2, 1, 32)
    g = torch.Generator().manual_seed(1)
    flat = torch.randn(model.parameter_count(s), generator=g) * 0.05
    p = {k: v.clone().requires_grad_() for k, v in model.views(flat, s).items()}
    for k in p:
        if p[k].ndim == 1:
            p[k] = torch.ones_like(p[k]).requires_grad_()
    tokens, targets = torch.randint(0, 8192, (2, 12), generator=g), torch.randint(0, 8192, (2, 12), generator=g)
    targets[0, 3] = -1
    grads = {k: torch.zeros_like(v) for k, v in p.items()}
    model.loss_and_gradient(p, s, tokens, targets, 1.0, grads)

    def loss():
        with torch.no_grad():
            y = model.logits(p, s, tokens)
            return torch.nn.functional.cross_entropy(y.view(-1, 8192).double(), targets.view(-1), ignore_index=-1, reduction="sum").item()
    for name in p:
        direction = grads[name] / grads[name].norm()
        e = 1e-2
        with torch.no_grad():
            p[name] += e * direction
            up = loss()
            p[name] -= 2 * e * direction
            down = loss()
            p[name] += e * direction
        numeric, exact = (up - down) / (2 * e), grads[name].norm().item()
        assert abs(numeric - exact) < 0.02 * max(1, abs(exact)), (name, numeric, exact)


def test_cache_equals_full_pass(folder):
    for name, s in model.SHAPES.items():
        p = model.from_gguf(gguf_io.read(f"{folder}/embedded-v0-{name}.f16.gguf")[1], s)
        tokens = torch.randint(20, 8192, (2, 300), generator=torch.Generator().manual_seed(2))
        made = generate.generate(p, s, tokens, 8)
        again = model.logits(p, s, torch.cat([tokens, made], 1)[:, :-1]).argmax(-1)[:, 299:]
        assert torch.equal(made, again), name


def test_export_keeps_the_tokenizer(folder):
    before = gguf_io.read(f"{folder}/embedded-v0-drafter2.f16.gguf")[0]
    after = export.metadata("drafter2", model.SHAPES["drafter2"], f"{folder}/embedded-v0-drafter2.f16.gguf", gguf_io.Q8_0)
    for key, value in before.items():
        if key.startswith("tokenizer."):
            assert after[key] == value, key


def test_revisions_are_exact():
    text = "The Supplier shall deliver within thirty (30) days. Acme Inc shall pay Acme Inc. The rest is silence."
    pool = {"terms": ["Foo Bar"], "words": ["zebra"], "sentences": ["This is new."], "identifiers": ["count"]}
    for seed in range(300):
        rng = random.Random(seed)
        done = revise.edit(text, rng, pool, False)
        if done:
            pieces = revise.frame(text, done[0], done[1], rng, False)
            assert text in pieces[0][0] and pieces[-1][0].startswith(done[1])
    assert revise.delete_sentence("A one. B two.", random.Random(1), pool)[1] in ("A one.", "B two.")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, check in list(globals().items()):
        if name.startswith("test_"):
            check(*sys.argv[1:2]) if check.__code__.co_argcount else check()
            print("ok", name)
