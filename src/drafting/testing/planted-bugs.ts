// Mistakes that are easy to make in sampled drafting and its verification. Tests must catch each of them.

import { buyingOrder, type DraftTree, type Draw, pathChances, TreeBuilder } from "../tree.ts";
import type { verifyRatio } from "../verify-ratio.ts";
import { sumOf } from "../weighted-draw.ts";
import {
  add,
  chainWithQ,
  type Drafting,
  draftTable,
  drawn,
  reviewed,
  sampledChain,
  sampledTree,
  target,
  vocabSize,
} from "./sampled-drafts.ts";

/** The likeliest token judged as if it had been drawn from the softmax. */
const argmaxWithSoftmax: Drafting = (prefix) => {
  const tokens: number[] = [];
  for (let i = 0; i < 2; i++) {
    const q = draftTable([...prefix, ...tokens]);
    tokens.push(q.indexOf(Math.max(...q)));
  }
  return chainWithQ(prefix, tokens, 9);
};

/** A drawn token dropped because it is not likely. */
const droppedForItsValue: Drafting = (prefix, choose) => {
  const tree = sampledChain(3)(prefix, choose);
  const weak = tree.draws?.findIndex(({ node, q }) => (q as Float32Array)[tree.token[node]] < 0.3) ?? -1;
  return chainWithQ(prefix, Array.from(weak < 0 ? tree.token : tree.token.slice(0, weak)), 9);
};

/** A reviewer that keeps more than its law allows, judged by that law. */
const lenientReviewerWithQ: Drafting = (prefix, choose) => chainWithQ(prefix, reviewed(prefix, choose, 2, 3), 9);

/** Drawn without replacement, each claimed to come from the full q. */
const staleQ: Drafting = (prefix, choose) => {
  const tree = sampledTree([2], false)(prefix, choose);
  const { q } = (tree.draws as readonly Draw[])[0];
  return { ...tree, draws: tree.draws?.map(({ node }) => ({ node, q })) };
};

/** Drawn with replacement, repeats of a token not recorded. */
const repeatsForgotten: Drafting = (prefix, choose) => {
  const tree = sampledTree([2], true)(prefix, choose);
  return { ...tree, draws: tree.draws?.filter(({ node }, i) => tree.draws?.findIndex((d) => d.node === node) === i) };
};

/** The likeliest of the drawn nodes, as is right for `match`. */
const cutByConfidence: Drafting = (prefix, choose) => {
  const q = Float32Array.from(draftTable(prefix));
  const tokens = [drawn(q, choose), drawn(q, choose)].sort((a, b) => q[b] - q[a]);
  const builder = new TreeBuilder();
  add(builder, -1, tokens[0], q);
  return builder.build();
};

/** Cut where the nodes are enough, but repeats that come after are kept. */
const repeatsAfterTheCut: Drafting = (prefix, choose) => {
  const { token, parent, source, confidence, draws } = sampledTree([3], true)(prefix, choose);
  return {
    token: token.slice(0, 1),
    parent: parent.slice(0, 1),
    source: source.slice(0, 1),
    confidence: confidence.slice(0, 1),
    draws: draws?.filter(({ node }) => node === 0),
  };
};

/** Drafts of two laws, all judged by the first. */
const oneQForAll: Drafting = (prefix, choose) => {
  const builder = new TreeBuilder();
  const q = Float32Array.from(draftTable(prefix));
  const flat = new Float32Array(vocabSize).fill(1 / vocabSize);
  add(builder, -1, drawn(q, choose), q);
  add(builder, -1, drawn(flat, choose), q);
  return builder.build();
};

/** A point mass of the target's likeliest token, judged as drawn from the drafter's law. */
const pointMassWithQ: Drafting = (prefix) => {
  const p = target(prefix);
  return chainWithQ(prefix, [p.indexOf(Math.max(...p))], 9);
};

export const biasedDrafts: readonly [string, Drafting, number][] = [
  ["argmax judged with softmax q", argmaxWithSoftmax, 0.05],
  ["a drawn token dropped for its low confidence", droppedForItsValue, 0.05],
  ["inner lenience 3, q of the reviewer", lenientReviewerWithQ, 0.05],
  ["without replacement, stale q", staleQ, 1e-3],
  ["with replacement, repeats forgotten", repeatsForgotten, 1e-3],
  ["cut by confidence", cutByConfidence, 0.05],
  ["repeats kept after the cut", repeatsAfterTheCut, 1e-3],
  ["merged siblings, one q for all", oneQForAll, 1e-3],
  ["a point mass judged with a q", pointMassWithQ, 0.05],
];

/** The old market's cut of a drafted tree, by what its tokens are worth. */
export function cutForValue(tree: DraftTree, nodes: number): DraftTree {
  const kept = new Set(buyingOrder(pathChances(tree.parent, tree.confidence)).subarray(0, nodes));
  const builder = new TreeBuilder();
  const index = new Map<number, number>([[-1, -1]]);
  for (const { node, q } of tree.draws ?? []) {
    if (!kept.has(node)) continue;
    index.set(node, builder.add(index.get(tree.parent[node]) ?? -1, tree.token[node], 1, 0.5, undefined, q));
  }
  return builder.build();
}

type Rule = typeof verifyRatio;

/** The rule for flat trees of drawn siblings, with what happens on rejection left open. */
const chainRule =
  (reject: (p: Float64Array, q: Float32Array, full: Float64Array) => void, after: "residual" | "full"): Rule =>
  (tree, logits, sampler, history, choices, position, verdict) => {
    verdict.path.length = 0;
    verdict.emitted.length = 0;
    for (let current = -1; ; ) {
      const full = new Float64Array(vocabSize);
      sampler.distribution(logits(current), history, full);
      const p = full.slice();
      const siblings = (tree.draws ?? []).filter(({ node }) => tree.parent[node] === current);
      const kept = siblings.find(({ node, q }, nth) => {
        if (!q) throw new Error("drawn siblings only");
        const token = tree.token[node];
        if (choices.accept(Math.min(1, (p[token] * sumOf(q)) / q[token]), position, nth)) return true;
        reject(p, q, full);
        return false;
      });
      const token = kept ? tree.token[kept.node] : choices.draw(after === "full" ? full : p, position);
      verdict.emitted.push(token);
      history.push(token);
      if (!kept) return;
      verdict.path.push(kept.node);
      current = kept.node;
    }
  };

function takeAway(p: Float64Array, q: Float32Array): void {
  const total = sumOf(q);
  const rest = p.map((x, i) => Math.max(0, x - q[i] / total));
  const sum = sumOf(rest);
  if (sum > 0) p.set(rest.map((x) => x / sum));
}

/** The right rule written this way: shows that the harness itself is sound. */
export const rightRule = chainRule(takeAway, "residual");

export const biasedRules: readonly [string, Rule, Drafting, number][] = [
  ["on rejection, a draw from the full p", chainRule(takeAway, "full"), sampledChain(2), 0.05],
  [
    "siblings judged against the full p, not the residual",
    chainRule((p, q, full) => {
      p.set(full);
      takeAway(p, q);
    }, "residual"),
    sampledTree([3], true),
    1e-3,
  ],
  [
    "the residual not subtracted by token id",
    chainRule((p, q) => takeAway(p, q.slice().reverse()), "residual"),
    sampledChain(2),
    0.02,
  ],
];
