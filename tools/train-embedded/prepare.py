"""Corpora (jsonl.xz) to token files (.u16), copy-and-revise examples included.

A token file is a flat little-endian uint16 array. Documents are framed by BOS and EOS.
"""
import argparse
import json
import lzma
import multiprocessing
import os
import random
import re
import sys

import numpy as np
import sentencepiece

import revise

BOS, EOS = 1, 2
# Megabytes of text to draw. Small corpora are taken whole; big ones are sampled.
MEGABYTES = {"cuad": 24, "patents-pap2pat": 30, "instructions": 15, "dc-code": 8, "dfars": 5, "policies-and-forms": 2, "us-code": 3,
             "openstax-ccby": 6, "classic-books": 6, "tech-docs": 7, "code-permissive": 6, "papers-pap2pat": 5, "factbook": 1.5,
             "us-constitutions": 1}
# Copy-and-revise passages come from these; the number is the share of passages.
PASSAGES = {"cuad": 40, "patents-pap2pat": 16, "dc-code": 8, "dfars": 8, "policies-and-forms": 8, "tech-docs": 8, "us-code": 4,
            "openstax-ccby": 4, "papers-pap2pat": 4}
VALID_BYTES = 150_000

tokenizer = None


def start_worker(path):
    global tokenizer
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=path)


def read(path):
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def chat(text):
    """Instruction records are 'User: ...\\nAssistant: ...'; the model sees the chat template's form."""
    m = re.match(r"User: (.*?)\nAssistant: (.*)\Z", text, re.S)
    return f"<|user|>{m.group(1)}<|end|><|assistant|>{m.group(2)}<|end|>" if m else text


def clean(corpus, text, rng):
    if corpus == "instructions":
        return chat(text)
    if corpus == "cuad" and rng.random() < 0.75:
        # Filings carry page layout: padded lines and page numbers. A quarter stays raw so that raw text works too.
        text = re.sub(r"[ \t]{2,}", " ", text)
        text = re.sub(r"\n\s*(?:Page )?\d{1,3}\s*\n", "\n", text)
        text = re.sub(r"\n{3,}", "\n\n", text)
    return text


def encode(texts):
    return [np.array([BOS] + tokenizer.encode(t) + [EOS], dtype=np.uint16) for t in texts]


def encode_example(pieces):
    """Tokens and a same-length mask of the scored (copied) tokens."""
    tokens, mask = [BOS], [0]
    for text, scored in pieces:
        ids = tokenizer.encode(text)
        tokens += ids
        mask += [int(scored)] * len(ids)
    return np.array(tokens + [EOS], dtype=np.uint16), np.array(mask + [0], dtype=np.uint8)


def encode_examples(batch):
    return [encode_example(p) for p in batch]


def chunks(items, size):
    return [items[i:i + size] for i in range(0, len(items), size)]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--corpora", default="../shared/data/corpora", help="folder of NAME/{train,valid}.jsonl.xz")
    p.add_argument("--tokenizer", required=True, help="SentencePiece tokenizer.model")
    p.add_argument("--out", required=True)
    p.add_argument("--examples", type=int, default=26000, help="short copy-and-revise examples (a quarter as many long ones)")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    report = {}
    with multiprocessing.Pool(os.cpu_count(), start_worker, (a.tokenizer,)) as pool:
        passages = {"train": [], "valid": []}
        code = {"train": [], "valid": []}
        for corpus, megabytes in MEGABYTES.items():
            for split in ("train", "valid"):
                rng = random.Random(f"{a.seed} {corpus} {split}")
                records = read(f"{a.corpora}/{corpus}/{split}.jsonl.xz")
                rng.shuffle(records)
                limit = megabytes * 1e6 if split == "train" else VALID_BYTES
                texts, size = [], 0
                for r in records:
                    if size >= limit:
                        break
                    # A long document may fill the held-out quota alone: cut it, so that several are seen.
                    text = r["text"] if split == "train" else r["text"][:20000]
                    # Huge documents would crowd out the others of a small sample.
                    text = text[:400_000]
                    size += len(text.encode())
                    texts.append(clean(corpus, text, rng) if split == "train" else (chat(text) if corpus == "instructions" else text))
                if corpus in PASSAGES:
                    for _ in range(PASSAGES[corpus]):
                        passages[split].append(texts)
                if corpus == "code-permissive":
                    code[split] = texts
                arrays = [x for part in pool.map(encode, chunks(texts, 64)) for x in part]
                if not arrays:
                    continue
                np.concatenate(arrays).tofile(f"{a.out}/{corpus}.{split}.u16")
                report[f"{corpus}.{split}"] = {"documents": len(texts), "bytes": sum(len(t.encode()) for t in texts),
                                               "tokens": int(sum(map(len, arrays)))}
                print(corpus, split, report[f"{corpus}.{split}"], flush=True)

        for split, seed in (("train", 11), ("valid", 12)):
            rng = random.Random(seed)
            # Draw the corpus by share first, then the document.
            lists = [x for x in passages[split] if x]
            documents = Documents(lists)
            flat = rng.sample(sorted({t for x in lists for t in x}), min(3000, sum({id(x): len(x) for x in lists}.values())))
            shared = revise.make_pool(flat, code[split], rng)
            for name, count, low, high in (("short", a.examples, 120, 760), ("long", a.examples // 4, 700, 3000)):
                if split == "valid":
                    count = 240 if name == "short" else 60
                made = list(revise.examples(documents, code[split], rng, count, low, high, shared))
                encoded = [x for part in pool.map(encode_examples, chunks(made, 256)) for x in part]
                np.concatenate([t for t, _ in encoded]).tofile(f"{a.out}/revise-{name}.{split}.u16")
                np.concatenate([m for _, m in encoded]).tofile(f"{a.out}/revise-{name}.{split}.mask")
                report[f"revise-{name}.{split}"] = {"examples": count, "tokens": int(sum(len(t) for t, _ in encoded))}
                print("revise", name, split, report[f"revise-{name}.{split}"], flush=True)
    with open(f"{a.out}/report.json", "w") as f:
        json.dump(report, f, indent=1)


class Documents:
    """A list of lists seen as one sequence that rng.choice draws list-first."""

    def __init__(self, lists):
        self.lists = lists
        self.size = 1 << 20

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        texts = self.lists[i % len(self.lists)]
        return texts[(i // len(self.lists)) % len(texts)]


if __name__ == "__main__":
    sys.exit(main())
