import { DraftwrightError } from "../../errors.ts";

/**
 * Token id of the highest logit; the lowest id wins a tie. `logits`: Float32Array [vocab].
 * Throws "bad-model" when a logit is NaN and "bad-shape" when there are none.
 */
export function argmax(logits: Float32Array): number {
  const n = logits.length;
  if (n === 0) throw new DraftwrightError("bad-shape", "No logits to choose from: the row is empty.");
  let best = 0;
  let max = logits[0];
  if (Number.isNaN(max)) refuseNaN(0);
  // Four at a time: one well-predicted branch per group. `!(a <= max)` is also true for NaN, so NaN is found for free.
  let i = 1;
  for (const end = n - 3; i < end; i += 4) {
    const a = logits[i];
    const b = logits[i + 1];
    const c = logits[i + 2];
    const d = logits[i + 3];
    if (!(a <= max && b <= max && c <= max && d <= max)) {
      for (let j = i; j < i + 4; j++) {
        const value = logits[j];
        if (value <= max) continue;
        if (Number.isNaN(value)) refuseNaN(j);
        max = value;
        best = j;
      }
    }
  }
  for (; i < n; i++) {
    const value = logits[i];
    if (value <= max) continue;
    if (Number.isNaN(value)) refuseNaN(i);
    max = value;
    best = i;
  }
  return best;
}

function refuseNaN(token: number): never {
  throw new DraftwrightError(
    "bad-model",
    `The logit of token ${token} is NaN: the weights are damaged or an activation overflowed. Check the model file (pull it again), then try F32 or Q8_0 weights.`,
  );
}
