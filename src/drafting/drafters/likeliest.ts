/** Logits this far under the best one are left out of the softmax sum: 8,192 of them change it by 0.3 %. */
const negligible = 15;
/**
 * A forward of a small model takes no longer than the exponentials of 8,192 logits: those of the many that are this far under
 * the best one are looked up, exact to 0.4 %.
 */
const far = 4;
const stepsPerUnit = 128;
const exponentials = Float64Array.from({ length: negligible * stepsPerUnit }, (_, i) =>
  Math.exp(-(i + 0.5) / stepsPerUnit),
);

/** The `count` highest logits [vocab], best first, the lowest id first on a tie, with their softmax probabilities. */
export function likeliest(logits: Float32Array, count: number): { tokens: number[]; probabilities: number[] } {
  const tokens: number[] = [];
  let threshold = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i];
    if (tokens.length === count && !(value > threshold)) continue;
    let at = tokens.length;
    while (at > 0 && value > logits[tokens[at - 1]]) at--;
    tokens.splice(at, 0, i);
    if (tokens.length > count) tokens.pop();
    threshold = logits[tokens[tokens.length - 1]];
  }
  const max = logits[tokens[0]];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const below = max - logits[i];
    if (below < negligible) sum += below < far ? Math.exp(-below) : exponentials[(below * stepsPerUnit) | 0];
  }
  return { tokens, probabilities: tokens.map((token) => Math.exp(logits[token] - max) / sum) };
}
