import type { KMatrix } from "./k-matrix.ts";

/** What the arithmetic of a cascade needs to know. Level 0 is the target, level r the r-th model. */
export interface CascadeFigures {
  readonly models: number;
  /** Chance that reviewer r keeps a token which drafter j wrote (r <= j <= models; drafter `models` is Max-Gram). */
  acceptance(reviewer: number, drafter: number): number;
  /** Chance that Max-Gram has something to say. */
  readonly hitRate: number;
  /** Milliseconds of a forward of a level over `width` rows: the last token before the block, and the block. */
  reviewMs(level: number, width: number): number;
  readonly maxGramMs: number;
}

export interface CascadeForecast {
  /** Expected tokens of a round, the target's own one included. */
  readonly tokens: number;
  /** Expected milliseconds of a round: drafting and the target's forward. */
  readonly milliseconds: number;
  /** Expected milliseconds until so many tokens are drafted; index 0..limit. */
  readonly draftMs: Float64Array;
  /** Expected forwards a round, by level. */
  readonly forwards: Float64Array;
}

/** How a drafter's next segment turns out: chance of each length, and what it takes. */
interface Step {
  readonly length: Float64Array;
  readonly ms: number;
  readonly forwards: Float64Array;
}

/** A reviewer's block: chance of each length, and of each number of tokens kept. */
interface Block {
  readonly length: Float64Array;
  readonly kept: Float64Array;
  /** Milliseconds spent at each length, writing on. */
  readonly msAt: Float64Array;
  readonly forwards: Float64Array;
}

/**
 * Expected walltime of a cascade: the exact mean over all outcomes, with every token kept or rejected on its own, by walking
 * through the distribution of block lengths level by level. Blocks are cut at `limit` tokens.
 * The same assumptions as the analysis of Chen et al. 2024 ("Cascade Speculative Drafting", section 4), whose closed forms
 * (walltime.ts) are special cases; but any K, any depth, and forwards whose cost grows with their width.
 */
export function forecastCascade(k: KMatrix, figures: CascadeFigures, limit: number): CascadeForecast {
  const { models } = figures;
  const steps: Step[] = [];
  for (let j = models; j >= 0; j--) {
    if (j < models) steps[j] = reviewStep(fillBlock(k, j + 1, steps, figures, limit), j + 1, figures, limit);
  }
  const block = fillBlock(k, 0, steps, figures, limit);
  let tokens = 1;
  let milliseconds = 0;
  const forwards = Float64Array.from(block.forwards);
  forwards[0] = 1;
  const draftMs = new Float64Array(limit + 1);
  for (let length = 0; length <= limit; length++) {
    tokens += block.kept[length] * length;
    milliseconds += block.msAt[length] + block.length[length] * figures.reviewMs(0, length + 1);
    if (length > 0) draftMs[length] = draftMs[length - 1] + block.msAt[length - 1];
  }
  return { tokens, milliseconds, draftMs, forwards };
}

/** Drafter j = level - 1 reviews its block and adds a token of its own. */
function reviewStep(block: Block, level: number, figures: CascadeFigures, limit: number): Step {
  const length = new Float64Array(limit + 1);
  let ms = 0;
  for (let n = 0; n <= limit; n++) {
    length[Math.min(limit, n + 1)] += block.kept[n];
    ms += block.msAt[n] + block.length[n] * figures.reviewMs(level, n + 1);
  }
  const forwards = Float64Array.from(block.forwards);
  forwards[level] += 1;
  return { length, ms, forwards };
}

/** The horizontal cascade under reviewer `row`. */
function fillBlock(k: KMatrix, row: number, steps: readonly Step[], figures: CascadeFigures, limit: number): Block {
  const { models } = figures;
  /** Chance that the block is so long; and that it is and all of it will be kept. */
  const length = new Float64Array(limit + 1);
  const alive = new Float64Array(limit + 1);
  const kept = new Float64Array(limit + 1);
  const msAt = new Float64Array(limit + 1);
  const forwards = new Float64Array(models + 1);
  length[0] = 1;
  alive[0] = 1;
  const grow = (from: number, by: number, mass: number, aliveMass: number, accepted: number) => {
    length[from + by] += mass;
    let left = aliveMass;
    for (let i = 0; i < by; i++) {
      kept[from + i] += left * (1 - accepted);
      left *= accepted;
    }
    alive[from + by] += left;
  };
  let threshold = 0;
  for (let j = row; j <= models; j++) {
    threshold = Math.min(limit, threshold + k[row][j]);
    const accepted = figures.acceptance(row, j);
    for (let from = 0; from < threshold; from++) {
      const mass = length[from];
      const aliveMass = alive[from];
      if (mass === 0) continue;
      if (j === models) {
        // One hit is enough: the copy goes on over itself to wherever it is cut.
        msAt[from] += mass * figures.maxGramMs;
        length[from] = mass * (1 - figures.hitRate);
        alive[from] = aliveMass * (1 - figures.hitRate);
        grow(from, threshold - from, mass * figures.hitRate, aliveMass * figures.hitRate, accepted);
        continue;
      }
      const step = steps[j];
      msAt[from] += mass * step.ms;
      for (let level = 0; level <= models; level++) forwards[level] += mass * step.forwards[level];
      length[from] = 0;
      alive[from] = 0;
      for (let by = 1; by <= limit; by++) {
        const chance = step.length[by];
        if (chance > 0) grow(from, Math.min(by, limit - from), mass * chance, aliveMass * chance, accepted);
      }
    }
  }
  for (let n = 0; n <= limit; n++) kept[n] += alive[n];
  return { length, kept, msAt, forwards };
}
