import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../lm/toy/index.ts";
import {
  type CascadeFigures,
  expectedTokens,
  forecastCascade,
  horizontalFactor,
  type KMatrix,
  reviewedLength,
  searchK,
  speculativeFactor,
  verticalFactor,
} from "./index.ts";

/** Costs that do not grow with the width, as the paper has them; the target's forward takes 1. */
function flat(acceptance: readonly (readonly number[])[], costs: readonly number[], hitRate = 1): CascadeFigures {
  return {
    models: costs.length,
    acceptance: (reviewer, drafter) => acceptance[reviewer][drafter],
    hitRate,
    reviewMs: (level) => (level === 0 ? 1 : costs[level - 1]),
    maxGramMs: 0,
  };
}

/** Plays the cascade with a die instead of models. */
function simulate(k: KMatrix, figures: CascadeFigures, rounds: number) {
  const random = seededRandom(17);
  const { models } = figures;
  let milliseconds = 0;
  const forwards = new Float64Array(models + 1);
  /** Returns the block as a list of drafters. */
  const fill = (row: number): number[] => {
    const block: number[] = [];
    let threshold = 0;
    for (let j = row; j <= models; j++) {
      threshold += k[row][j];
      while (block.length < threshold) {
        if (j === models) {
          milliseconds += figures.maxGramMs;
          if (random() >= figures.hitRate) break;
          while (block.length < threshold) block.push(j);
        } else {
          const length = review(j + 1);
          for (let i = 0; i < length; i++) block.push(j);
        }
      }
    }
    return block;
  };
  const review = (level: number): number => {
    const block = fill(level);
    milliseconds += figures.reviewMs(level, block.length + 1);
    forwards[level]++;
    let kept = 0;
    while (kept < block.length && random() < figures.acceptance(level, block[kept])) kept++;
    return kept + 1;
  };
  let tokens = 0;
  for (let i = 0; i < rounds; i++) tokens += review(0);
  return { tokens: tokens / rounds, milliseconds: milliseconds / rounds, forwards: forwards.map((n) => n / rounds) };
}

describe("closed forms", () => {
  test("the generating function is that of the review's outcomes", () => {
    for (const [a, k, x] of [
      [0.7, 4, 0.8],
      [0.2, 1, 0.5],
      [0.95, 9, 0.9],
      [0.5, 0, 0.3],
    ]) {
      let sum = 0;
      for (let n = 1; n <= k; n++) sum += a ** (n - 1) * (1 - a) * x ** n;
      sum += a ** k * x ** (k + 1);
      expect(reviewedLength(a, k, x)).toBeCloseTo(sum, 12);
    }
  });

  test("a vertical cascade over a drafter that is never right is speculative decoding", () => {
    const cascade = { target: 0.8, model: 0, reviews: 4, block: 3, modelCost: 0.1, blockCost: 0 };
    expect(verticalFactor(cascade)).toBeCloseTo(speculativeFactor(0.8, 4, 0.1), 12);
  });

  test("a horizontal cascade of equal drafters is speculative decoding with one", () => {
    const parts = [
      { a: 0.7, k: 2, c: 0.05 },
      { a: 0.7, k: 3, c: 0.05 },
    ];
    expect(horizontalFactor(parts)).toBeCloseTo(speculativeFactor(0.7, 5, 0.05), 12);
    expect(horizontalFactor([])).toBe(1);
  });

  test("expected tokens of a draft, also one that is always right", () => {
    expect(expectedTokens(0.5, 3)).toBeCloseTo(1 + 0.5 + 0.25 + 0.125, 12);
    expect(expectedTokens(1, 6)).toBe(7);
    expect(expectedTokens(0.9, 0)).toBeCloseTo(1, 12);
  });
});

describe("the forecast of any K", () => {
  const factor = (k: KMatrix, figures: CascadeFigures, limit = 48) => {
    const { tokens, milliseconds } = forecastCascade(k, figures, limit);
    return tokens / milliseconds;
  };

  test("speculative decoding: a model that reviews nothing", () => {
    const figures = flat(
      [
        [0.8, 0.3],
        [0, 0.5],
      ],
      [0.1],
    );
    expect(
      factor(
        [
          [5, 0],
          [0, 0],
        ],
        figures,
      ),
    ).toBeCloseTo(speculativeFactor(0.8, 5, 0.1), 9);
  });

  test("horizontal cascade: models that review nothing, one after the other", () => {
    const figures = flat(
      [
        [0.8, 0.6, 0.3],
        [0, 0.5, 0.5],
        [0, 0, 0.5],
      ],
      [0.1, 0.03],
    );
    const parts = [
      { a: 0.8, k: 3, c: 0.1 },
      { a: 0.6, k: 4, c: 0.03 },
      { a: 0.3, k: 5, c: 0 },
    ];
    expect(
      factor(
        [
          [3, 4, 5],
          [0, 0, 0],
          [0, 0, 0],
        ],
        figures,
      ),
    ).toBeCloseTo(horizontalFactor(parts), 9);
  });

  test("vertical cascade: one review of a block of Max-Gram's", () => {
    const figures = flat(
      [
        [0.8, 0.3],
        [0, 0.6],
      ],
      [0.1],
    );
    const cascade = { target: 0.8, model: 0.6, reviews: 1, block: 4, modelCost: 0.1, blockCost: 0 };
    // A threshold of 1 is one review, however long its outcome.
    expect(
      factor(
        [
          [1, 0],
          [0, 4],
        ],
        figures,
      ),
    ).toBeCloseTo(verticalFactor(cascade), 9);
  });

  test.each<[string, KMatrix, number]>([
    [
      "one model",
      [
        [5, 3],
        [0, 4],
      ],
      1,
    ],
    [
      "one model, Max-Gram often silent",
      [
        [5, 3],
        [0, 4],
      ],
      0.6,
    ],
    [
      "two models",
      [
        [3, 4, 5],
        [0, 2, 3],
        [0, 0, 4],
      ],
      0.8,
    ],
    [
      "two models, zeros and ones",
      [
        [1, 0, 2],
        [0, 1, 0],
        [0, 0, 1],
      ],
      0.5,
    ],
  ])("agrees with play, forwards that cost by width: %s", (_, k, hitRate) => {
    const figures: CascadeFigures = {
      models: k.length - 1,
      acceptance: (reviewer, drafter) => 0.85 - 0.12 * drafter - 0.05 * reviewer,
      hitRate,
      reviewMs: (level, width) => (3 - level) * (1 + 0.15 * (width - 1)),
      maxGramMs: 0.02,
    };
    const played = simulate(k, figures, 60_000);
    const forecast = forecastCascade(k, figures, 48);
    expect(forecast.tokens / played.tokens).toBeCloseTo(1, 1.9);
    expect(forecast.milliseconds / played.milliseconds).toBeCloseTo(1, 1.9);
    forecast.forwards.forEach((count, level) => {
      expect(Math.abs(count - played.forwards[level])).toBeLessThan(0.02);
    });
  });

  test("the price of the first n tokens rises to that of the whole draft", () => {
    const figures = flat(
      [
        [0.8, 0.3],
        [0, 0.6],
      ],
      [0.1],
    );
    const { draftMs, milliseconds, forwards } = forecastCascade(
      [
        [5, 3],
        [0, 4],
      ],
      figures,
      24,
    );
    expect(draftMs[0]).toBe(0);
    for (let n = 1; n < draftMs.length; n++) expect(draftMs[n]).toBeGreaterThanOrEqual(draftMs[n - 1]);
    expect(draftMs[24]).toBeCloseTo(milliseconds - 1, 9);
    expect(draftMs[24]).toBeCloseTo(0.1 * forwards[1], 9);
  });
});

describe("the search for K", () => {
  const steep = (target: number, models: readonly number[]): CascadeFigures => ({
    models: models.length,
    acceptance: (reviewer, drafter) => [0.8, 0.65, 0.45][drafter] + 0.05 * reviewer,
    hitRate: 0.7,
    reviewMs: (level, width) => (level === 0 ? target : models[level - 1]) * (1 + 0.2 * (width - 1)),
    maxGramMs: 0.01,
  });

  test("finds what trying every matrix finds: one model", () => {
    const figures = steep(5, [0.5]);
    const values = [0, 1, 2, 3, 4, 6, 8, 12, 16];
    let best = 0;
    for (const a of values)
      for (const b of values)
        for (const c of values) {
          if (a + b > 24) continue;
          const { tokens, milliseconds } = forecastCascade(
            [
              [a, b],
              [0, c],
            ],
            figures,
            24,
          );
          best = Math.max(best, tokens / milliseconds);
        }
    expect(searchK(figures).rate).toBeCloseTo(best, 9);
  });

  test("is the same every time, and never promises less than plain decoding", () => {
    const figures = steep(5, [0.6, 0.2]);
    expect(searchK(figures, { seed: 9 })).toEqual(searchK(figures, { seed: 9 }));
    const hopeless: CascadeFigures = { ...figures, acceptance: () => 0.05 };
    expect(searchK(hopeless)).toEqual({
      k: [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
      rate: 1 / 5,
    });
  });

  test("follows the costs: a dear model is left out, a cheap one is not", () => {
    expect(searchK(steep(5, [4.5])).k[0][0]).toBe(0);
    expect(searchK(steep(5, [0.05])).k[0][0]).toBeGreaterThan(0);
  });
});
