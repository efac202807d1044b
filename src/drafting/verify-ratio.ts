import { DraftwrightError } from "../errors.ts";
import type { Sampler, TokenHistory } from "../lm/sampling/index.ts";
import type { DraftTree, Draw } from "./tree.ts";
import { candidateChild, type Draws, type NodeLogits, type Verdict, verifyMatch } from "./verify.ts";
import { sumOf, weightedDraw } from "./weighted-draw.ts";

/** Who makes the random choices of a verification: keyed draws, or an enumerator that tries them all. */
export interface RatioChoices {
  /** Plain decoding's own draw of a position. */
  readonly plain: Draws;
  /** Whether the `nth` draft token judged at a position is accepted, which is to happen with this chance. */
  accept(chance: number, position: number, nth: number): boolean;
  /** A token in proportion to the weights [vocab]. */
  draw(weights: Float64Array, position: number): number;
}

/** Streams of `keyedUniform`; 0 is plain decoding's. Tests of a position take one stream each. */
const residualStream = 0x72720000;
const acceptStream = 0x72610000;

/** `uniform`: the draw of a position and a stream. */
export function keyedChoices(uniform: (position: number, stream: number) => number): RatioChoices {
  return {
    plain: (position) => uniform(position, 0),
    accept: (chance, position, nth) => uniform(position, acceptStream + nth) < chance,
    draw: (weights, position) => weightedDraw(weights, uniform(position, residualStream)),
  };
}

/** Target distribution, then residual, of the node at hand. */
let residual = new Float64Array(0);

/**
 * The `ratio` rule: a draft token drawn from q is kept with chance min(1, p/q); on rejection p becomes the residual
 * max(0, p - q), normalised, against which the next draw at that node is judged, and from which the target's own token
 * comes if none is kept. Source: Leviathan et al. 2023; on trees, with and without replacement, Miao et al. 2023
 * (SpecInfer). A point mass among drawn siblings has q = 1 (EAGLE); where all are, the `match` rule applies, which has the
 * same law. The output has the target's law, but which tokens it is depends on the draft. Arguments as for `verifyMatch`.
 */
export function verifyRatio(
  tree: DraftTree,
  logits: NodeLogits,
  sampler: Sampler,
  history: TokenHistory,
  choices: RatioChoices,
  position: number,
  verdict: Verdict,
): void {
  const { draws } = tree;
  // A greedy target has one token to give: both rules keep just that one.
  if (!draws || sampler.greedy) {
    verifyMatch(tree, logits, sampler, history, choices.plain, position, verdict);
    return;
  }
  const { path, emitted } = verdict;
  path.length = 0;
  emitted.length = 0;
  for (let current = -1; ; ) {
    const at = position + emitted.length;
    const row = logits(current);
    const siblings = draws.filter(({ node }) => tree.parent[node] === current);
    let token: number;
    let child: number;
    if (siblings.some(({ q }) => q)) {
      if (residual.length !== row.length) residual = new Float64Array(row.length);
      sampler.distribution(row, history, residual);
      child = firstKept(siblings, tree, residual, choices, at);
      token = child < 0 ? choices.draw(residual, at) : tree.token[child];
    } else {
      token = sampler.pick(row, history, choices.plain(at));
      child = candidateChild(tree, current, token);
    }
    emitted.push(token);
    history.push(token);
    if (child < 0) return;
    path.push(child);
    current = child;
  }
}

/** Judges the draws at one node in turn; the first node kept, or -1 with the residual left in `p`. */
function firstKept(
  siblings: readonly Draw[],
  tree: DraftTree,
  p: Float64Array,
  choices: RatioChoices,
  position: number,
): number {
  for (let nth = 0; nth < siblings.length; nth++) {
    const { node, q } = siblings[nth];
    const token = tree.token[node];
    const total = q ? sumOf(q) : 1;
    if (q && !(q[token] > 0)) {
      throw new DraftwrightError(
        "bad-argument",
        `Token ${token} was drafted with weight ${q[token]}: that is not the q it was drawn from. Mend the drafter.`,
      );
    }
    const chance = q ? Math.min(1, p[token] / (q[token] / total)) : p[token];
    if (choices.accept(chance, position, nth)) return node;
    if (q) subtract(p, q, total);
    else p[token] = 0;
    normalise(p);
  }
  return -1;
}

/** p becomes max(0, p - q), unless nothing would be left: then p and q are equal but for rounding. */
function subtract(p: Float64Array, q: Float32Array, total: number): void {
  let left = 0;
  for (let i = 0; i < p.length; i++) left += Math.max(0, p[i] - q[i] / total);
  if (left === 0) return;
  for (let i = 0; i < p.length; i++) p[i] = Math.max(0, p[i] - q[i] / total);
}

function normalise(p: Float64Array): void {
  const sum = sumOf(p);
  for (let i = 0; i < p.length; i++) p[i] /= sum;
}
