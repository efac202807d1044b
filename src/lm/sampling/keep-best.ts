import { expNegative } from "./exp.ts";
import type { Scratch } from "./scratch.ts";

const BINS = 1024;
const BINS_PER_NAT = 46;
const binMass = new Float64Array(BINS);

/**
 * Of candidates ordered by logit (ties by lower id) keeps the shortest prefix whose mass reaches the target, without
 * sorting: bins by distance to the best logit find the one bin where the prefix ends, and only that bin is sorted.
 * `mass` "count" and target k is top-k; "weight" with target p is top-p (mass exp(logit - max), the target a share of
 * the total). The candidates are the first `count` of work.ids (ascending) and work.values (their logits), and so are
 * the kept ones; returns how many.
 */
export function keepBest(mass: "count" | "weight", target: number, count: number, max: number, work: Scratch): number {
  const byWeight = mass === "weight";
  binMass.fill(0);
  const total = byWeight ? binByWeight(work.values, count, max) : binByCount(work.values, count, max);
  const wanted = byWeight ? target * total : target;

  let before = 0;
  let last = 0;
  while (last < BINS - 1 && before + binMass[last] < wanted) before += binMass[last++];

  const kept = keepBins(last, count, max, work);
  const edges = collectBin(last, kept, max, work);
  if (edges === 0) return kept;
  const sorted = work.edge.subarray(0, edges).sort();

  // The prefix ends inside that bin, after `ties` tokens of logit `threshold`.
  let threshold = sorted[edges - 1];
  let ties = 0;
  for (let rest = edges - 1; rest >= 0 && (before < wanted || ties === 0); rest--) {
    ties = sorted[rest] === threshold ? ties + 1 : 1;
    threshold = sorted[rest];
    before += byWeight ? expNegative(threshold - max) : 1;
  }
  return dropBelow(threshold, ties, kept, work);
}

// Both return the total mass.
function binByCount(values: Float32Array, count: number, max: number): number {
  for (let i = 0; i < count; i++) binMass[binOf(values[i] - max)]++;
  return count;
}

function binByWeight(values: Float32Array, count: number, max: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) {
    const x = values[i] - max;
    const weight = expNegative(x);
    binMass[binOf(x)] += weight;
    total += weight;
  }
  return total;
}

/** Bin of a distance x <= 0 to the best logit; everything beyond 22 nats shares the last one. */
function binOf(x: number): number {
  if (!(x > -700)) return BINS - 1;
  // The lesser of the two without a branch: a wide spread of logits would mispredict every third one.
  const excess = ((x * -BINS_PER_NAT) | 0) - (BINS - 1);
  return BINS - 1 + (excess & (excess >> 31));
}

/** Keeps the candidates of bins 0..last; one that rounding lets slip in from the next bin is dropped by its logit later. */
function keepBins(last: number, count: number, max: number, { ids, values }: Scratch): number {
  const floor = last === BINS - 1 ? -Infinity : max - (last + 1.001) / BINS_PER_NAT;
  let kept = 0;
  let i = 0;
  // Four at a time, because few of a large vocabulary are kept; without a branch on each, which would mispredict.
  for (const end = count - 3; i < end; i += 4) {
    const a = values[i];
    const b = values[i + 1];
    const c = values[i + 2];
    const d = values[i + 3];
    if (a < floor && b < floor && c < floor && d < floor) continue;
    ids[kept] = ids[i];
    values[kept] = a;
    kept += a < floor ? 0 : 1;
    ids[kept] = ids[i + 1];
    values[kept] = b;
    kept += b < floor ? 0 : 1;
    ids[kept] = ids[i + 2];
    values[kept] = c;
    kept += c < floor ? 0 : 1;
    ids[kept] = ids[i + 3];
    values[kept] = d;
    kept += d < floor ? 0 : 1;
  }
  for (; i < count; i++) {
    ids[kept] = ids[i];
    values[kept] = values[i];
    kept += values[i] < floor ? 0 : 1;
  }
  return kept;
}

/** Copies the logits of one bin to work.edge; returns how many. */
function collectBin(bin: number, count: number, max: number, { values, edge }: Scratch): number {
  let size = 0;
  for (let i = 0; i < count; i++) {
    edge[size] = values[i];
    size += binOf(values[i] - max) === bin ? 1 : 0;
  }
  return size;
}

/** Drops what is under the threshold, and of the candidates at it all but the first `ties`. Returns how many stay. */
function dropBelow(threshold: number, ties: number, count: number, { ids, values }: Scratch): number {
  let kept = 0;
  let left = ties;
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (value < threshold || (value === threshold && left-- <= 0)) continue;
    ids[kept] = ids[i];
    values[kept++] = value;
  }
  return kept;
}
