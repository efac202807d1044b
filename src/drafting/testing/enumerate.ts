import type { Sampler } from "../../lm/sampling/index.ts";
import type { RatioChoices } from "../verify-ratio.ts";

/** One random choice: an index, taken with the probability that stands there. */
export type Choose = (probabilities: ArrayLike<number>) => number;

/**
 * The exact law of a program's outcome: runs it once for every sequence of choices with positive probability, replaying
 * the code itself. No sampling noise, so an error of 1e-12 shows. The program must be deterministic but for `choose`.
 */
export function enumerate(program: (choose: Choose) => string): Map<string, number> {
  const law = new Map<string, number>();
  // The choices of the current run; the next run takes the next possible value of the last one that has any left.
  const script: number[] = [];
  while (true) {
    let at = 0;
    let mass = 1;
    const seen: number[][] = [];
    const outcome = program((probabilities) => {
      const next = nextPossible(probabilities, 0);
      if (at === script.length) script.push(next);
      seen.push(Array.from(probabilities));
      mass *= probabilities[script[at]];
      return script[at++];
    });
    law.set(outcome, (law.get(outcome) ?? 0) + mass);
    while (script.length > 0) {
      const last = script.length - 1;
      const next = nextPossible(seen[last], script[last] + 1);
      if (next >= 0) {
        script[last] = next;
        break;
      }
      script.pop();
    }
    if (script.length === 0) return law;
  }
}

/**
 * The exact law of the first `count` tokens of a process that emits some tokens a round, given by its law of one round after
 * a prefix. Rounds are enumerated once for each prefix, which keeps the number of runs small.
 */
export function composeRounds(
  count: number,
  round: (prefix: readonly number[], choose: Choose) => readonly number[],
): Map<string, number> {
  const law = new Map<string, number>();
  const open = new Map<string, number>([["", 1]]);
  // Prefixes grow with every round, so taking the shortest first sees each of them once, with all its mass.
  for (let length = 0; length < count; length++) {
    for (const [key, mass] of [...open]) {
      const prefix = key === "" ? [] : key.split(",").map(Number);
      if (prefix.length !== length) continue;
      open.delete(key);
      for (const [next, share] of enumerate((choose) => [...prefix, ...round(prefix, choose)].slice(0, count).join())) {
        const into = next.split(",").length === count ? law : open;
        into.set(next, (into.get(next) ?? 0) + mass * share);
      }
    }
  }
  return law;
}

/** The sampler with every pick replaced by a choice from its own distribution. */
export function choosing(sampler: Sampler, vocabSize: number, choose: Choose): Sampler {
  const distribution = new Float64Array(vocabSize);
  return {
    ...sampler,
    pick(logits, history) {
      sampler.distribution(logits, history, distribution);
      return choose(distribution);
    },
  };
}

/** The choices of `ratio` verification made by `choose`; plain draws are those of a `choosing` sampler. */
export function enumeratedChoices(choose: Choose): RatioChoices {
  return {
    plain: () => 0,
    accept: (chance) => choose([chance, 1 - chance]) === 0,
    draw: (weights) => choose(weights),
  };
}

/** Half the sum of absolute differences of two laws. */
export function totalVariation(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const key of new Set([...a.keys(), ...b.keys()])) sum += Math.abs((a.get(key) ?? 0) - (b.get(key) ?? 0));
  return sum / 2;
}

function nextPossible(probabilities: ArrayLike<number>, from: number): number {
  for (let i = from; i < probabilities.length; i++) if (probabilities[i] > 0) return i;
  return -1;
}
