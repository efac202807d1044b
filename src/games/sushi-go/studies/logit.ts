// Conditional logit (McFadden 1974): an additive utility for each card, the likelier one taken. It is the Plackett-Luce model
// of a first choice.
import { faceCount } from "../cards.ts";
import type { Choice } from "./choices.ts";

export interface Preferences {
  /** Utility of each face; 0 for those that were never offered. [faces] */
  readonly faces: Float64Array;
  /** Utility of one unit of each feature. */
  readonly features: Float64Array;
}

/** Fits the faces and the first `count` features by proximal gradient steps; `sparsity` weighs the absolute values (L1). */
export function fitPreferences(choices: readonly Choice[], count: number, sparsity: number, epochs = 150): Preferences {
  const scale = deviations(choices, count);
  const weights = new Float64Array(faceCount + count);
  const gradient = new Float64Array(weights.length);
  const squares = new Float64Array(weights.length);
  for (let epoch = 0; epoch < epochs; epoch++) {
    gradient.fill(0);
    for (const { faces, taken, features } of choices) {
      const shares = sharesOf(faces, features, weights, scale);
      faces.forEach((f, i) => {
        const slope = (shares[i] - (i === taken ? 1 : 0)) / choices.length;
        gradient[f] += slope;
        for (let j = 0; j < count; j++) gradient[faceCount + j] += slope * (features[i][j] / scale[j]);
      });
    }
    // AdaGrad steps (Duchi et al. 2011), then shrinking towards zero by as much as the L1 term asks.
    for (let w = 0; w < weights.length; w++) {
      squares[w] += gradient[w] ** 2;
      const step = 0.3 / Math.sqrt(squares[w] + 1e-12);
      const moved = weights[w] - step * gradient[w];
      weights[w] = Math.sign(moved) * Math.max(0, Math.abs(moved) - step * sparsity);
    }
  }
  return { faces: weights.slice(0, faceCount), features: weights.slice(faceCount).map((w, j) => w / scale[j]) };
}

function deviations(choices: readonly Choice[], count: number): Float64Array {
  const scale = new Float64Array(count);
  let rows = 0;
  for (const { features } of choices) {
    for (const row of features) for (let j = 0; j < count; j++) scale[j] += row[j] ** 2;
    rows += features.length;
  }
  return scale.map((sum) => Math.sqrt(sum / Math.max(1, rows)) || 1);
}

function sharesOf(
  faces: readonly number[],
  features: readonly Float64Array[],
  weights: Float64Array,
  scale: Float64Array,
): number[] {
  const utilities = faces.map((f, i) => {
    let sum = weights[f];
    for (let j = 0; j < scale.length; j++) sum += weights[faceCount + j] * (features[i][j] / scale[j]);
    return sum;
  });
  const most = Math.max(...utilities);
  const shares = utilities.map((u) => Math.exp(u - most));
  const total = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / total);
}

export function utility({ faces, features }: Preferences, face: number, row: Float64Array): number {
  let sum = faces[face];
  for (let j = 0; j < features.length; j++) sum += features[j] * row[j];
  return sum;
}
