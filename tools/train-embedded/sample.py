"""Windows that the target writes itself, for distillation: held in rows of 513 tokens (prompt included)."""
import argparse
import random
import time

import numpy as np
import torch

import generate
import gguf_io
import model
from sampler import ANNEAL_MIX, SAMPLE_ROW, Sampler

TEMPERATURES = [0.0, 0.5, 0.8, 1.0]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--target", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--rows", type=int, default=768)
    p.add_argument("--batch", type=int, default=96)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=5)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    shape = model.SHAPES["target"]
    # bfloat16 is twice as fast here; samples need no exactness.
    weights = {k: v.bfloat16() for k, v in model.from_gguf(gguf_io.read(a.target)[1], shape).items()}
    sampler = Sampler(a.data, a.seed)
    rng = np.random.default_rng(a.seed)
    generator = torch.Generator().manual_seed(a.seed)
    random.seed(a.seed)
    rows, began = [], time.time()
    for _ in range(0, a.rows, a.batch):
        length = random.choice([32, 96, 192])
        prompts = np.stack([sampler.window(rng, sampler.corpus(rng, ANNEAL_MIX), length) for _ in range(a.batch)])
        prompts[::3, 0] = 1
        temperature = torch.tensor([TEMPERATURES[i % len(TEMPERATURES)] for i in range(a.batch)])[:, None]
        x = torch.from_numpy(prompts)
        rows.append(torch.cat([x, generate.generate(weights, shape, x, SAMPLE_ROW - length, temperature, generator)], 1))
        print(len(rows) * a.batch, "rows", round(time.time() - began), "s", flush=True)
    torch.cat(rows).numpy().astype(np.uint16).tofile(a.out)


if __name__ == "__main__":
    main()
