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

/** Runs both once unmeasured, then `repeats` times each; every other pair starts with the other contender. */
export function alternate(repeats: number, ours: () => void, theirs: () => void): Comparison {
  const time = (run: () => void) => {
    const started = performance.now();
    run();
    return performance.now() - started;
  };
  ours();
  theirs();
  const pairs: [number, number][] = [];
  for (let i = 0; i < repeats; i++) {
    if (i % 2 === 0) pairs.push([time(ours), time(theirs)]);
    else {
      const second = time(theirs);
      pairs.push([time(ours), second]);
    }
  }
  return {
    ours: spread(pairs.map(([a]) => a)),
    theirs: spread(pairs.map(([, b]) => b)),
    ratio: spread(pairs.map(([a, b]) => b / a)),
  };
}
