import { keyedUniform } from "../../../lm/sampling/index.ts";
import { expectedImprovement, GaussianProcess } from "./gaussian-process.ts";
import type { SkipBits } from "./skip-set.ts";

/** A set that was tried, and what it was worth. */
export interface Tried {
  readonly bits: SkipBits;
  readonly score: number;
}

/** Sets that one proposal chooses from, and the tried sets that most of them are near. */
const poolSize = 400;
const parents = 6;
/** The process is fitted to no more points than this: the best ones. */
const mostPoints = 300;

/**
 * Sets to try before there is anything to learn from: none, then more and more of the middle layers, attention first, for
 * it is missed least (published sets skip about twice as many attention sublayers, and spare the first and last layers).
 */
export function firstSets(layerCount: number): SkipBits[] {
  const sets = ["0".repeat(2 * layerCount)];
  const middle = (share: number) => {
    const count = Math.max(1, Math.round(layerCount * share));
    const first = Math.floor((layerCount - count) / 2);
    return Array.from({ length: layerCount }, (_, i) => (i >= first && i < first + count ? "1" : "0")).join("");
  };
  const none = "0".repeat(layerCount);
  for (const share of [0.25, 0.5]) {
    sets.push(middle(share) + none, none + middle(share), middle(share) + middle(share));
  }
  return [...new Set(sets)];
}

/**
 * The untried set with the highest expected improvement under a Gaussian process, among random sets and mutations of the
 * best ones; null when no eligible set turned up. A pure function of its arguments. `noise`: of a score, as a share of the
 * variance of all.
 */
export function propose(
  tried: readonly Tried[],
  seed: number,
  noise: number,
  eligible: (bits: SkipBits) => boolean,
): SkipBits | null {
  const ranked = [...tried].sort((a, b) => b.score - a.score);
  const points = ranked.slice(0, mostPoints);
  const process = new GaussianProcess(
    points.map(({ bits }) => bits),
    points.map(({ score }) => score),
    noise,
  );
  let draws = 0;
  const random = () => keyedUniform(seed, tried.length, draws++);
  const seen = new Set(tried.map(({ bits }) => bits));
  const best = ranked[0].score;
  let found: SkipBits | null = null;
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < poolSize; i++) {
    const bits = i % 5 === 0 ? randomSet(tried[0].bits.length, random) : offspring(ranked.slice(0, parents), random);
    if (seen.has(bits) || !eligible(bits)) continue;
    seen.add(bits);
    const improvement = expectedImprovement(process.predict(bits), best);
    if (improvement <= most) continue;
    most = improvement;
    found = bits;
  }
  return found;
}

function randomSet(length: number, random: () => number): SkipBits {
  const density = random();
  return Array.from({ length }, () => (random() < density ? "1" : "0")).join("");
}

/** A mixture of two good sets, or one of them, with a few bits flipped. */
function offspring(from: readonly Tried[], random: () => number): SkipBits {
  const choose = () => from[Math.floor(random() * from.length)].bits;
  const mother = choose();
  const father = random() < 0.3 ? choose() : mother;
  const bits = Array.from(mother, (bit, i) => (random() < 0.5 ? bit : father[i]));
  do {
    const at = Math.floor(random() * bits.length);
    bits[at] = bits[at] === "1" ? "0" : "1";
  } while (random() < 0.5);
  return bits.join("");
}
