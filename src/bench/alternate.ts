// Fair timing on a noisy machine: the contenders run in turn, A B A B .., and are compared pair by pair, so that a slow
// minute hits both.

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Median, and the middle half's ends. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

export interface Comparison {
  /** Milliseconds of each contender, and theirs over ours, pair by pair: above 1 ours is faster. */
  readonly ours: Spread;
  readonly theirs: Spread;
  readonly ratio: Spread;
}

const idle = new Int32Array(new SharedArrayBuffer(4));
/** A contender's threads spin for a while after its last graph; on few cores they would slow the next one down. */
const settleMs = 150;
/** What runs this long needs no warm-up of its own after the pause. */
const longMs = 400;

/** Runs both once unmeasured, then `repeats` times each; every other pair starts with the other contender. */
export function alternate(repeats: number, ours: () => void, theirs: () => void): Comparison {
  const time = (run: () => void, last: number) => {
    Atomics.wait(idle, 0, 0, settleMs);
    if (last < longMs) run();
    const started = performance.now();
    run();
    return performance.now() - started;
  };
  let a = time(ours, 0);
  let b = time(theirs, 0);
  const pairs: [number, number][] = [];
  for (let i = 0; i < repeats; i++) {
    if (i % 2 === 0) a = time(ours, a);
    b = time(theirs, b);
    if (i % 2 === 1) a = time(ours, a);
    pairs.push([a, b]);
  }
  return {
    ours: spread(pairs.map(([a]) => a)),
    theirs: spread(pairs.map(([, b]) => b)),
    ratio: spread(pairs.map(([a, b]) => b / a)),
  };
}
