"""Training windows. Every window is a pure function of (seed, step, row), so resuming needs no saved random state."""
import os

import numpy as np

BOS = 1

# Shares of the corpora within corpus windows: while training, and in the closing anneal on the domains users meet.
TRAIN_MIX = {"cuad": 30, "patents-pap2pat": 20, "instructions": 10, "dc-code": 6, "dfars": 6, "policies-and-forms": 3, "us-code": 2.5,
             "openstax-ccby": 4, "classic-books": 4, "tech-docs": 5, "code-permissive": 4, "papers-pap2pat": 3, "factbook": 1,
             "us-constitutions": 0.5}
ANNEAL_MIX = {"cuad": 42, "patents-pap2pat": 22, "instructions": 16, "dfars": 6, "policies-and-forms": 4, "dc-code": 3, "tech-docs": 4,
              "code-permissive": 3}
# Records shorter than a window: always begin at a record's start.
SHORT_RECORDS = {"instructions", "revise-short", "revise-long"}

# Share of windows that are copy-and-revise examples.
REVISE_SHARE = 0.35

# Distillation: share of windows that the target itself wrote, so that a drafter learns where it will be used.
SAMPLE_SHARE = 0.35
SAMPLE_ROW = 513


def repeat_share(progress):
    """Synthetic repetition, which only copying predicts: copying over long ambiguous passages takes most of the training to learn."""
    return 0.25 if progress < 0.9 else 0.06


class Sampler:
    def __init__(self, folder, seed, samples=None):
        """samples: file of 513-token rows written by sample.py; SAMPLE_SHARE of the windows then come from it."""
        self.seed = seed
        self.data, self.starts = {}, {}
        self.samples = np.fromfile(samples, np.uint16).reshape(-1, SAMPLE_ROW) if samples else None
        for name in list(TRAIN_MIX) + ["revise-short", "revise-long"]:
            path = f"{folder}/{name}.train.u16"
            if os.path.exists(path):
                self.data[name] = np.fromfile(path, np.uint16)
                self.starts[name] = np.flatnonzero(self.data[name] == BOS)

    def window(self, rng, name, length):
        tokens = self.data[name]
        if name in SHORT_RECORDS or rng.random() < 0.15:
            at = int(self.starts[name][rng.integers(len(self.starts[name]))])
            at = min(at, len(tokens) - length)
        else:
            at = int(rng.integers(len(tokens) - length))
        return tokens[at:at + length].astype(np.int64)

    def repetition(self, rng, length):
        """A passage repeated, or shuffled tokens repeated (only copying helps there); first sights of those are not scored."""
        name = self.corpus(rng, TRAIN_MIX)
        shuffled = rng.random() < 0.5
        span = int(rng.integers(12, length // 2))
        passage = self.window(rng, name, span)
        targets = np.ones(length, bool)
        if shuffled:
            rng.shuffle(passage)
        out = np.empty(0, np.int64)
        while len(out) < length:
            gap = 0 if rng.random() < 0.5 else int(rng.integers(1, max(2, span)))
            if shuffled and len(out) == 0:
                targets[:span] = False
            out = np.concatenate([out, passage, self.window(rng, name, gap) if gap else out[:0]])
        return out[:length], targets[:length]

    @staticmethod
    def corpus(rng, mix):
        names = list(mix)
        w = np.array([mix[n] for n in names], float)
        return names[rng.choice(len(names), p=w / w.sum())]

    def batch(self, step, first_row, rows, length, progress):
        """inputs [rows, length] and targets [rows, length] (-1: not scored)."""
        x, y = np.empty((rows, length), np.int64), np.empty((rows, length), np.int64)
        for r in range(rows):
            rng = np.random.default_rng([self.seed, step, first_row + r])
            scored = np.ones(length + 1, bool)
            u = rng.random()
            if self.samples is not None and length + 1 == SAMPLE_ROW and rng.random() < SAMPLE_SHARE:
                tokens = self.samples[rng.integers(len(self.samples))].astype(np.int64)
            elif u < repeat_share(progress):
                tokens, scored = self.repetition(rng, length + 1)
            elif u < repeat_share(progress) + REVISE_SHARE:
                long = length > 512 and rng.random() < 0.5
                tokens = self.window(rng, "revise-long" if long else "revise-short", length + 1)
            else:
                tokens = self.window(rng, self.corpus(rng, ANNEAL_MIX if progress > 0.88 else TRAIN_MIX), length + 1)
            x[r] = tokens[:-1]
            y[r] = np.where(scored[1:], tokens[1:], -1)
        return x, y
