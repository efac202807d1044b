import type { Sampler, TokenHistory } from "../lm/sampling/index.ts";
import { type DraftTree, Role } from "./tree.ts";

/** Outcome of a verification. The arrays are reused from round to round. */
export interface Verdict {
  /** Accepted nodes, root side first. */
  readonly path: number[];
  /** Accepted tokens and the target's own one after them: path.length + 1 tokens. */
  readonly emitted: number[];
}

/** Logits [vocab] of the target after the root (-1) or after a node. */
export type NodeLogits = (node: number) => Float32Array;

/** The uniform draw in [0, 1) of an absolute position; the same whenever it is asked for. */
export type Draws = (position: number) => number;

/**
 * The `match` rule: take the target's own token and keep the draft while it agrees. At temperature 0 it is the `greedy`
 * rule. One token is drawn per position, with the draw that plain decoding would use there, from the distribution on the
 * accepted path; so the output is the same tokens, whatever was drafted, as long as the draft has not seen the draws.
 * Source: Leviathan et al. 2023 with a point-mass draft distribution; on trees, Miao et al. 2023 (SpecInfer). `position` is that of the first
 * emitted token. `history` ends with the root and gets the emitted tokens pushed.
 */
export function verifyMatch(
  tree: DraftTree,
  logits: NodeLogits,
  sampler: Sampler,
  history: TokenHistory,
  draws: Draws,
  position: number,
  verdict: Verdict,
): void {
  verdict.path.length = 0;
  verdict.emitted.length = 0;
  let current = -1;
  while (true) {
    const u = sampler.greedy ? 0 : draws(position + verdict.emitted.length);
    const token = sampler.pick(logits(current), history, u);
    verdict.emitted.push(token);
    history.push(token);
    const child = candidateChild(tree, current, token);
    if (child < 0) return;
    verdict.path.push(child);
    current = child;
  }
}

/** Node index of the child that holds `token` and may be accepted, or -1. */
export function candidateChild(tree: DraftTree, parent: number, token: number): number {
  for (let node = parent + 1; node < tree.token.length; node++) {
    if (tree.parent[node] === parent && tree.token[node] === token && tree.role?.[node] !== Role.observed) return node;
  }
  return -1;
}
