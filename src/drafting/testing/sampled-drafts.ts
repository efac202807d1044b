// Ways to draft that ratio verification must judge without bias, as small programs whose draws an enumerator can replay.

import { cutTree, type DraftTree, mergeTrees, Role, TreeBuilder } from "../tree.ts";
import { sumOf } from "../weighted-draw.ts";
import type { Choose } from "./enumerate.ts";
import { randomTable } from "./tables.ts";

export const vocabSize = 4;
export const target = randomTable(vocabSize, 11);

/** Drafts after `prefix`; every draw is made by `choose`. */
export type Drafting = (prefix: readonly number[], choose: Choose) => DraftTree;
type Table = (prefix: readonly number[]) => readonly number[];

/** A drafter's own law: near the target's, not equal. */
export const draftTable = near(12, 0.5);
const otherTable = near(13, 0.3);

function near(seed: number, share: number): Table {
  const noise = randomTable(vocabSize, seed);
  return (prefix) => {
    const other = noise(prefix);
    return target(prefix).map((p, i) => share * p + (1 - share) * other[i]);
  };
}

/** Any token of the vocabulary, fixed by the prefix: what a table would propose. */
export const fixedToken = (prefix: readonly number[]) =>
  (prefix.reduce((sum, t, i) => sum + (i + 1) * (t + 1), 0) * 7 + 3) % vocabSize;

/** A draw from f32 weights, in double precision. */
export function drawn(q: Float32Array, choose: Choose): number {
  const total = sumOf(q);
  return choose(Array.from(q, (weight) => weight / total));
}

export const add = (builder: TreeBuilder, parent: number, token: number, q?: Float32Array) =>
  builder.add(parent, token, 1, 0.5, Role.candidate, q);

/** Up to `nodes` drawn tokens. `ends` may end the chain before a draw, or after one. */
export function sampledChain(
  nodes: number,
  ends: { before?: (q: Float32Array) => boolean; after?: (probability: number) => boolean } = {},
): Drafting {
  return (prefix, choose) => {
    const builder = new TreeBuilder();
    const path = [...prefix];
    for (let i = 0; i < nodes; i++) {
      const q = Float32Array.from(draftTable(path));
      if (ends.before?.(q)) break;
      const token = drawn(q, choose);
      add(builder, i - 1, token, q);
      path.push(token);
      if (ends.after?.(q[token])) break;
    }
    return builder.build();
  };
}

export function fixedChain(nodes: number): Drafting {
  return (prefix) => {
    const builder = new TreeBuilder();
    const path = [...prefix];
    for (let i = 0; i < nodes; i++) {
      const token = fixedToken(path);
      add(builder, i - 1, token);
      path.push(token);
    }
    return builder.build();
  };
}

/** Tokens of a small model that reviews fixed drafts of two, until there are `count`; lenience 1 leaves its law as it is. */
export function reviewed(prefix: readonly number[], choose: Choose, count: number, lenience = 1): number[] {
  const tokens: number[] = [];
  const place = () => [...prefix, ...tokens];
  while (tokens.length < count) {
    let kept = 0;
    for (; kept < 2; kept++) {
      const q = Float32Array.from(draftTable(place()));
      const token = fixedToken(place());
      const keep = Math.min(1, (lenience * q[token]) / sumOf(q));
      const accepted = choose([keep, 1 - keep]) === 0;
      if (!accepted) q[token] = 0;
      tokens.push(accepted ? token : drawn(q, choose));
      if (!accepted) break;
    }
    if (kept === 2) tokens.push(drawn(Float32Array.from(draftTable(place())), choose));
  }
  return tokens;
}

/** A chain of given tokens; `q` of the first `withQ` is the draft table's. */
export function chainWithQ(prefix: readonly number[], tokens: readonly number[], withQ: number): DraftTree {
  const builder = new TreeBuilder();
  tokens.forEach((token, i) => {
    const q = Float32Array.from(draftTable([...prefix, ...tokens.slice(0, i)]));
    add(builder, i - 1, token, i < withQ ? q : undefined);
  });
  return builder.build();
}

/** `widths[level]` draws at every distinct node of the level before, with or without replacement. */
export function sampledTree(widths: readonly number[], replacing: boolean, table: Table = draftTable): Drafting {
  return (prefix, choose) => {
    const builder = new TreeBuilder();
    let level: [number, readonly number[]][] = [[-1, prefix]];
    // Deeper levels are worth enumerating at the start of the text only.
    for (const width of widths.slice(0, Math.max(1, 2 - prefix.length))) {
      const next = new Map<number, readonly number[]>();
      for (const [parent, path] of level) {
        let q = Float32Array.from(table(path));
        for (let i = 0; i < width; i++) {
          const token = drawn(q, choose);
          next.set(add(builder, parent, token, q), [...path, token]);
          if (replacing) continue;
          q = q.slice();
          q[token] = 0;
        }
      }
      level = [...next];
    }
    return builder.build();
  };
}

const siblings =
  (...tokens: number[]): Drafting =>
  () => {
    const builder = new TreeBuilder();
    for (const token of tokens) add(builder, -1, token);
    return builder.build();
  };

const merged =
  (...parts: Drafting[]): Drafting =>
  (prefix, choose) =>
    mergeTrees(parts.map((part) => part(prefix, choose)));

/** q over two tokens only, as after top-k. */
const narrow: Table = (prefix) => {
  const q = [...draftTable(prefix)];
  q[fixedToken(prefix)] = 0;
  q[(fixedToken(prefix) + 1) % vocabSize] = 0;
  return q;
};

export const rightDrafts: readonly [string, Drafting][] = [
  ["nothing", () => new TreeBuilder().build()],
  ["fixed chain", fixedChain(2)],
  ["sampled chain", sampledChain(2)],
  ["sampled chain that ends after a token of low confidence", sampledChain(3, { after: (q) => q < 0.3 })],
  ["sampled chain that ends where the best is not likely", sampledChain(3, { before: (q) => Math.max(...q) < 0.5 })],
  [
    "cascade, inner lenience 1, q of the reviewer",
    (prefix, choose) => chainWithQ(prefix, reviewed(prefix, choose, 2), 9),
  ],
  [
    "cascade, inner lenience 3, point masses",
    (prefix, choose) => chainWithQ(prefix, reviewed(prefix, choose, 2, 3), 0),
  ],
  [
    "horizontal cascade: sampled, then point masses",
    (prefix, choose) => {
      const head = reviewed(prefix, choose, 1);
      const tokens = [...head];
      for (let i = 0; i < 2; i++) tokens.push(fixedToken([...prefix, ...tokens]));
      return chainWithQ(prefix, tokens, head.length);
    },
  ],
  ["two fixed siblings", siblings(1, 2)],
  ["three draws with replacement", sampledTree([3], true)],
  ["three draws without replacement", sampledTree([3], false)],
  ["all tokens, without replacement", sampledTree([4], false)],
  ["tree of draws with replacement", sampledTree([2, 2], true)],
  ["tree of draws without replacement", sampledTree([2, 2], false)],
  ["draws over a part of the vocabulary", sampledTree([2], false, narrow)],
  ["draws, then point masses", merged(sampledTree([2], true), siblings(0, 2))],
  ["point masses, then draws", merged(siblings(1, 3), sampledTree([2], true))],
  ["two drafters, each with its own q", merged(sampledTree([2], true), sampledTree([1, 1], true, otherTable))],
  ["draws with replacement, up to two nodes", (...at) => cutTree(sampledTree([3], true)(...at), 2)],
  ["draws with replacement, up to one node", (...at) => cutTree(sampledTree([3], true)(...at), 1)],
  ["tree of draws, the first level", (...at) => cutTree(sampledTree([2, 1], true)(...at), 9, 1)],
  ["tree of draws, up to three nodes", (...at) => cutTree(sampledTree([2, 1], true)(...at), 3)],
];
