import { expNegative } from "./exp.ts";
import type { Scratch } from "./scratch.ts";

const BINS = 1024;
const BINS_PER_NAT = 46;
const binMass = new Float64Array(BINS);

/**
 * Of candidates ordered by logit (ties by lower id) keeps the shortest prefix whose mass reaches the target, without
 * sorting: bins by distance to the best logit find the one bin where the prefix ends, and only that bin is sorted.
 * `mass` "count" and target k is top-k; "weight" with target p is top-p (mass exp(logit - max), the target a share of
 * the total). `values`: logits of `count` candidates in ascending ids; `ids`: their ids, or null when candidate i is
 * token i. Writes the kept ids and logits to `out.ids` and `out.values` (which may be the inputs), still in ascending
 * ids, and returns how many.
 */
export function keepBest(
  mass: "count" | "weight",
  target: number,
  values: Float32Array,
  ids: Int32Array | null,
  count: number,
  max: number,
  out: Scratch,
): number {
  const byWeight = mass === "weight";
  const { bins, edge } = out;
  binMass.fill(0);
  const total = byWeight ? binByWeight(values, count, max, bins) : binByCount(values, count, max, bins);
  const wanted = byWeight ? target * total : target;

  let before = 0;
  let last = 0;
  while (last < BINS - 1 && before + binMass[last] < wanted) before += binMass[last++];

  let kept = 0;
  let edges = 0;
  for (let i = 0; i < count; i++) {
    if (bins[i] > last) continue;
    if (bins[i] === last) edge[edges++] = values[i];
    out.ids[kept] = ids === null ? i : ids[i];
    out.values[kept++] = values[i];
    bins[kept - 1] = bins[i];
  }

  // The prefix ends inside the last bin, after `ties` tokens of logit `threshold`.
  const sorted = edge.subarray(0, edges).sort();
  let threshold = Infinity;
  let ties = 0;
  let rest = edges - 1;
  for (; rest >= 0 && before < wanted; rest--) {
    ties = sorted[rest] === threshold ? ties + 1 : 1;
    threshold = sorted[rest];
    before += byWeight ? expNegative(threshold - max) : 1;
  }
  if (rest < 0) return kept;

  let final = 0;
  for (let i = 0; i < kept; i++) {
    if (bins[i] === last) {
      const value = out.values[i];
      if (value < threshold || (value === threshold && ties-- <= 0)) continue;
    }
    out.ids[final] = out.ids[i];
    out.values[final++] = out.values[i];
  }
  return final;
}

// Both return the total mass.
function binByCount(values: Float32Array, count: number, max: number, bins: Uint16Array): number {
  for (let i = 0; i < count; i++) {
    const bin = binOf(values[i] - max);
    bins[i] = bin;
    binMass[bin]++;
  }
  return count;
}

function binByWeight(values: Float32Array, count: number, max: number, bins: Uint16Array): number {
  let total = 0;
  for (let i = 0; i < count; i++) {
    const x = values[i] - max;
    const weight = expNegative(x);
    const bin = binOf(x);
    bins[i] = bin;
    binMass[bin] += weight;
    total += weight;
  }
  return total;
}

/** Bin of a distance x <= 0 to the best logit; everything beyond 22 nats shares the last one. */
function binOf(x: number): number {
  return x > -22 ? (x * -BINS_PER_NAT) | 0 : BINS - 1;
}
