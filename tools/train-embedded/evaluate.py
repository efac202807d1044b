"""Held-out numbers of one family: bits per byte by domain, copy accuracy, drafters' agreement with the target, sample outputs.

Writes one JSON file. Only valid splits are read.
"""
import argparse
import difflib
import json
import os
import re
import time

import numpy as np
import sentencepiece
import torch

import generate
import gguf_io
import model

BOS, EOS, END = 1, 2, 6
DOMAINS = ["cuad", "dfars", "dc-code", "us-code", "policies-and-forms", "patents-pap2pat", "papers-pap2pat", "instructions", "tech-docs",
           "code-permissive", "openstax-ccby", "classic-books"]
AGREEMENT_DOMAINS = ["cuad", "dfars", "patents-pap2pat", "instructions", "tech-docs", "code-permissive", "classic-books"]
SAMPLES = [
    "5. CONFIDENTIALITY. Each party agrees that",
    "The term of this Agreement shall commence on the Effective Date and",
    "# DESCRIPTION\n\n## FIELD OF THE INVENTION\n\nThe present invention relates to",
    "<|user|>A shop sells pens at 3 dollars each. How much do 4 pens cost?<|end|><|assistant|>",
    "<|user|>What is the capital of France?<|end|><|assistant|>",
    "<|clause|>The Supplier shall deliver the Goods within thirty (30) days of the date of the Order. Title passes to the Buyer on payment.<|end|>"
    "<|user|>Change thirty (30) days to sixty (60) days.<|end|><|clause|>",
    "Original clause:\nEither party may terminate this Agreement upon ninety (90) days prior written notice to Acme Widgets, Inc. Upon "
    "termination, all sums due to Acme Widgets, Inc. shall become payable at once.\n\nRevised clause (replace \"Acme Widgets, Inc.\" with "
    "\"Norvek GmbH\"):\n",
    "<|user|>Delete the second sentence.\n\nThe Tenant shall pay the rent monthly. The Tenant shall keep the premises clean. The Landlord shall "
    "insure the building.<|end|><|assistant|>",
]


def load(path, name):
    s = model.SHAPES[name]
    metadata, tensors = gguf_io.read(path)
    return model.from_gguf(tensors, s), s, metadata


def byte_lengths(metadata):
    """UTF-8 bytes that each token stands for; special tokens stand for none."""
    pieces = [t.decode() for t in metadata["tokenizer.ggml.tokens"][1][1]]
    kinds = metadata["tokenizer.ggml.token_type"][1][1]
    return np.array([1 if k == 6 else len(p.replace("\u2581", " ").encode()) if k == 1 else 0 for p, k in zip(pieces, kinds)])


def decoder(metadata):
    pieces = [t.decode() for t in metadata["tokenizer.ggml.tokens"][1][1]]
    kinds = metadata["tokenizer.ggml.token_type"][1][1]

    def decode(ids):
        out = b""
        for i in ids:
            out += bytes([int(pieces[i][3:5], 16)]) if kinds[i] == 6 else pieces[i].replace("\u2581", " ").encode()
        return out.decode("utf-8", "replace")
    return decode


def bits_per_byte(p, s, tokens, lengths, window, limit):
    """Summed loss of non-overlapping windows over the bytes they stand for. BOS is never scored."""
    count = min(len(tokens) - 1, limit) // window
    if count == 0:
        window, count = len(tokens) - 1, 1
    nats = bytes_ = scored = 0.0
    rows = max(1, 2048 // window)
    for a in range(0, count, rows):
        x = np.stack([tokens[i * window:i * window + window + 1] for i in range(a, min(count, a + rows))]).astype(np.int64)
        y = torch.from_numpy(x[:, 1:])
        keep = y != BOS
        nats += float((torch.nn.functional.cross_entropy(model.logits(p, s, torch.from_numpy(x[:, :-1])).transpose(1, 2), y, reduction="none") * keep).sum())
        bytes_ += lengths[x[:, 1:]].sum()
        scored += int(keep.sum())
    return {"bits_per_byte": round(nats / np.log(2) / bytes_, 4), "nats_per_token": round(nats / scored, 4), "tokens": int(scored)}


# What revise.py asks where nothing is to be changed.
REPEAT = re.compile(r"repeat it exactly|copy it verbatim|no change|repeat it word for word|leave it as it is")


def read_examples(data, name):
    tokens, mask = np.fromfile(f"{data}/{name}.valid.u16", np.uint16), np.fromfile(f"{data}/{name}.valid.mask", np.uint8)
    cuts = list(np.flatnonzero(tokens == BOS)) + [len(tokens)]
    return [(tokens[a:b].astype(np.int64), mask[a:b].astype(bool)) for a, b in zip(cuts, cuts[1:])]


def copy_accuracy(p, s, examples, free):
    """Teacher-forced share of copied tokens right; free-running (greedy) similarity and exact matches on the first free examples."""
    right = total = 0
    similar, exact, prefix, ran = [], 0, [], 0
    for tokens, mask in examples:
        top = model.logits(p, s, torch.from_numpy(tokens[None, :-1])).argmax(-1)[0].numpy()
        right += int(((top == tokens[1:]) & mask[1:]).sum())
        total += int(mask[1:].sum())
        if ran < free:
            first = int(np.flatnonzero(mask)[0])
            # A chain has two answers: run the first only.
            last = first + int(np.flatnonzero(~np.append(mask[first:], False))[0])
            answer = [t for t in tokens[first:last].tolist() if t not in (END, EOS)]
            made = generate.generate(p, s, torch.from_numpy(tokens[None, :first]), min(len(answer) + 16, 2040 - first), stop=(EOS, END))[0].tolist()
            made = [t for t in made if t not in (END, EOS)]
            same = next((i for i, (a, b) in enumerate(zip(made, answer)) if a != b), min(len(made), len(answer)))
            prefix.append(same / len(answer))
            matcher = difflib.SequenceMatcher(None, made, answer, autojunk=False)
            similar.append(sum(b.size for b in matcher.get_matching_blocks()) / max(len(answer), len(made)))
            exact += made == answer
            ran += 1
    out = {"examples": len(examples), "teacher_forced": round(right / total, 4), "copied_tokens": total}
    if free:
        out.update({"free_running_tokens_right": round(float(np.mean(similar)), 4), "free_running_exact": round(exact / ran, 4),
                    "free_running_right_before_first_error": round(float(np.mean(prefix)), 4), "free_examples": ran})
    return out


def agreement(target, drafters, prompts, count):
    """Share of the target's greedy continuation that each drafter's top token predicts, given the true prefix."""
    p, s, _ = target
    made = generate.generate(p, s, prompts, count)
    whole = torch.cat([prompts, made], 1)
    n = prompts.shape[1]
    out = {}
    for name, (dp, ds, _) in drafters.items():
        top = model.logits(dp, ds, whole[:, :-1]).argmax(-1)[:, n - 1:]
        out[name] = (top == made).float().mean().item()
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--target", required=True)
    p.add_argument("--drafter")
    p.add_argument("--drafter2")
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--tokenizer", help="SentencePiece tokenizer.model, for the sample outputs")
    p.add_argument("--limit", type=int, default=24576, help="held-out tokens a domain")
    p.add_argument("--windows", type=int, nargs="+", default=[512, 2048])
    p.add_argument("--free", type=int, default=60, help="free-running copy examples")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--quick", action="store_true", help="one window size, no drafters, no samples")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    began = time.time()
    models = {n: load(path, n) for n, path in (("target", a.target), ("drafter", a.drafter), ("drafter2", a.drafter2)) if path}
    lengths = byte_lengths(models["target"][2])
    result = {}
    held_out = {d: np.fromfile(f"{a.data}/{d}.valid.u16", np.uint16) for d in DOMAINS if os.path.exists(f"{a.data}/{d}.valid.u16")}
    for name, (w, s, _) in models.items():
        r = result[name] = {}
        for window in a.windows[:1] if a.quick else a.windows:
            r[f"window_{window}"] = {d: bits_per_byte(w, s, t, lengths, window, a.limit) for d, t in held_out.items() if len(t) > window}
            mean = np.mean([v["bits_per_byte"] for v in r[f"window_{window}"].values()])
            print(name, window, "mean bits/byte", round(float(mean), 4), {d: v["bits_per_byte"] for d, v in r[f"window_{window}"].items()}, flush=True)
        short = read_examples(a.data, "revise-short")
        r["copy_short"] = copy_accuracy(w, s, short[:80] if a.quick else short, 20 if a.quick else a.free)
        print(name, "copy short", r["copy_short"], flush=True)
        if not a.quick:
            repeats = [e for e in short if REPEAT.search(decoder(models["target"][2])(e[0].tolist()))]
            r["copy_repeat"] = copy_accuracy(w, s, repeats, len(repeats))
            print(name, "repeat", r["copy_repeat"], flush=True)
        if not a.quick:
            # Longest original and answer must fit the context.
            long = [e for e in read_examples(a.data, "revise-long") if len(e[0]) <= 2040][:40]
            r["copy_long"] = copy_accuracy(w, s, long, 12)
            print(name, "copy long", r["copy_long"], flush=True)
    drafters = {n: m for n, m in models.items() if n != "target"}
    if drafters:
        result["agreement"] = {}
        for d in AGREEMENT_DOMAINS:
            t = held_out[d]
            at = np.linspace(0, len(t) - 200, 16).astype(int)
            prompts = torch.from_numpy(np.stack([t[i:i + 128] for i in at]).astype(np.int64))
            result["agreement"][d] = {k: round(v, 4) for k, v in agreement(models["target"], drafters, prompts, 96).items()}
            print("agreement", d, result["agreement"][d], flush=True)
        parts = []
        for tokens, mask in short[:40]:
            first = int(np.flatnonzero(mask)[0])
            parts.append(agreement(models["target"], drafters, torch.from_numpy(tokens[None, :first]), min(96, int(mask.sum()))))
        result["agreement"]["copy-and-revise"] = {k: round(float(np.mean([x[k] for x in parts])), 4) for k in drafters}
        print("agreement copy", result["agreement"]["copy-and-revise"], flush=True)
    if not a.quick and a.tokenizer:
        w, s, metadata = models["target"]
        encode = sentencepiece.SentencePieceProcessor(model_file=a.tokenizer).encode
        decode = decoder(metadata)
        result["samples"] = []
        for prompt in SAMPLES:
            made = generate.generate(w, s, torch.tensor([[BOS] + encode(prompt)]), 90, stop=(EOS, END))[0].tolist()
            result["samples"].append({"prompt": prompt, "greedy": decode(made)})
            print(repr(prompt[-60:]), "->", repr(decode(made)), flush=True)
    result["seconds"] = round(time.time() - began)
    with open(a.out, "w") as f:
        json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
