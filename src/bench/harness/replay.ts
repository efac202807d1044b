// What recorded proposals would have given and cost under a cost curve: pure functions of a survey, in which the proposals
// of all drafters are known at every position of a text, and so is the text.
import {
  buy,
  byExpectedTokens,
  type CostCurve,
  cutTree,
  type DraftTree,
  exclusiveSiblings,
  mergeTrees,
  pathChances,
  type RecordedOffer,
  soloPrices,
  verifiable,
} from "../../drafting/index.ts";

/** One text: what could have been drafted before each of its tokens. Entry p of both arrays belongs to token p. */
export interface Survey {
  /** Committed rows of the target before token 0. */
  readonly kv: number;
  readonly emitted: readonly number[];
  readonly offers: readonly (readonly RecordedOffer[])[];
}

/** How a method decides: what pays, or a fixed number of nodes; null is plain decoding. */
export type ReplayPolicy = { readonly budget?: number } | null;

/** A machine: its forwards, and what a millisecond of drafting on the recording machine takes on it. */
export interface ReplayCosts {
  readonly curve: CostCurve;
  readonly draftScale: number;
}

export interface Replayed {
  readonly tokens: number;
  readonly rounds: number;
  readonly milliseconds: number;
}

const defaultBudget = 32;

/** Decodes a surveyed text again. The market's rule buys; what it learns, its guard and its tries are left out. */
export function replay(survey: Survey, policy: ReplayPolicy, costs: ReplayCosts): Replayed {
  const { emitted, kv } = survey;
  let milliseconds = 0;
  let rounds = 0;
  for (let position = 0; position < emitted.length; rounds++) {
    const left = emitted.length - position;
    const round = policy && left > 1 ? draft(survey, position, policy, costs) : undefined;
    const accepted = round ? Math.min(left - 1, acceptedDepth(round.tree, emitted, position)) : 0;
    const width = 1 + (round?.tree.token.length ?? 0);
    milliseconds += costs.curve.ms(width, kv + position) + (round?.draftMs ?? 0);
    position += accepted + 1;
  }
  return { tokens: emitted.length, rounds, milliseconds };
}

function draft({ emitted, offers, kv }: Survey, position: number, { budget }: { budget?: number }, costs: ReplayCosts) {
  const left = emitted.length - position;
  const maxNodes = budget ?? defaultBudget;
  const candidates = offers[position].map((offer) => new Candidate(offer, left - 1, costs.draftScale));
  if (candidates.length === 0) return undefined;
  if (budget !== undefined) return forced(candidates, maxNodes);
  const prices = soloPrices(costs.curve, kv + position);
  const { bid, nodes } = buy(candidates, prices, maxNodes);
  if (bid < 0) return undefined;
  const bought = candidates[bid];
  const trees = [bought.cut(nodes)];
  candidates.forEach((candidate, i) => {
    if (i !== bid && candidate.draftMs(maxNodes) === 0) trees.push(candidate.cut(maxNodes));
  });
  const tree = trees.length === 1 ? trees[0] : exclusiveSiblings(mergeTrees(trees));
  const draftMs = bought.draftMs(nodes);
  return { tree: cutTree(tree, verifiable(tree, draftMs, prices, maxNodes)), draftMs };
}

function forced(candidates: readonly Candidate[], maxNodes: number) {
  const trees: DraftTree[] = [];
  let draftMs = 0;
  let size = 0;
  for (const index of byExpectedTokens(candidates, maxNodes)) {
    if (size >= maxNodes) break;
    const nodes = Math.min(maxNodes, candidates[index].parent.length);
    trees.push(candidates[index].cut(nodes));
    draftMs += candidates[index].draftMs(nodes);
    size = mergeTrees(trees).token.length;
  }
  return { tree: cutTree(mergeTrees(trees), maxNodes), draftMs };
}

/** A recorded offer as the market sees it. The arrays are new: the market remembers what it thought of an array. */
class Candidate {
  readonly parent: Int32Array;
  readonly chance: Float64Array;
  private readonly prices: readonly number[];
  private readonly scale: number;
  private readonly tree: DraftTree;

  constructor({ parent, chance, draftMs, drafted }: RecordedOffer, maxDepth: number, scale: number) {
    this.parent = Int32Array.from(parent);
    this.chance = Float64Array.from(chance);
    this.prices = draftMs;
    this.scale = scale;
    this.tree = cutTree(candidateNodes(drafted), Number.POSITIVE_INFINITY, maxDepth);
  }

  draftMs(nodes: number): number {
    return priceOf(this.prices, nodes) * this.scale;
  }

  cut(nodes: number): DraftTree {
    return cutTree(this.tree, nodes);
  }
}

/**
 * The best in hindsight: before every round it knows what the target will accept, buys exactly those nodes from the drafter
 * that proposed them for the least, and nothing that is rejected. How far each round goes is chosen so that the whole text
 * takes the fewest milliseconds (dynamic programming over positions, exact). No method that picks from the same proposals
 * under the same curve can be faster, if wider forwards never cost less.
 */
export function oracle(surveys: readonly Survey[], { curve, draftScale }: ReplayCosts): Replayed {
  const [{ emitted, kv }] = surveys;
  const end = emitted.length;
  const best = new Float64Array(end + 1);
  const rounds = new Int32Array(end + 1);
  for (let position = end - 1; position >= 0; position--) {
    best[position] = Number.POSITIVE_INFINITY;
    const offers = surveys.flatMap((survey) => survey.offers[position]);
    const prices = cheapestPaths(offers, emitted, position);
    prices.forEach((price, accepted) => {
      const next = position + accepted + 1;
      const total = price * draftScale + curve.ms(1 + accepted, kv + position) + best[next];
      if (total >= best[position]) return;
      best[position] = total;
      rounds[position] = rounds[next] + 1;
    });
  }
  return { tokens: end, rounds: rounds[0], milliseconds: best[0] };
}

/** Milliseconds of drafting for the first 0, 1, 2, .. of the tokens that come, as far as any drafter proposed them. */
function cheapestPaths(offers: readonly RecordedOffer[], emitted: readonly number[], position: number): number[] {
  const cheapest = [0];
  for (const { drafted, draftMs } of offers) {
    const tree = candidateNodes(drafted);
    const path = acceptedPath(tree, emitted, position);
    // A drafter drafts in the order of its chances: what stands before a node is paid for with it.
    const chances = pathChances(tree.parent, tree.confidence);
    path.forEach((node, depth) => {
      const accepted = depth + 1;
      if (position + accepted >= emitted.length) return;
      const before = chances.reduce(
        (n, chance, i) => n + Number(chance > chances[node] || (chance === chances[node] && i <= node)),
        0,
      );
      cheapest[accepted] = Math.min(cheapest[accepted] ?? Number.POSITIVE_INFINITY, priceOf(draftMs, before));
    });
  }
  return cheapest;
}

/** Prices rise with the nodes; a drafter that drafted more than it had offered is paid for what it offered. */
function priceOf(prices: readonly number[], nodes: number): number {
  if (prices.length === 0 || nodes === 0) return 0;
  return Math.max(...prices.slice(0, nodes));
}

function acceptedDepth(tree: DraftTree, emitted: readonly number[], position: number): number {
  return acceptedPath(tree, emitted, position).length;
}

/** Nodes that hold the tokens from `position` on, root side first. */
function acceptedPath(tree: DraftTree, emitted: readonly number[], position: number): number[] {
  const path: number[] = [];
  let current = -1;
  for (let at = position; at < emitted.length; at++) {
    const parent = current;
    const wanted = emitted[at];
    const next = tree.token.findIndex(
      (token, node) => token === wanted && tree.parent[node] === parent && !tree.role?.[node],
    );
    if (next < 0) break;
    path.push(next);
    current = next;
  }
  return path;
}

function candidateNodes(drafted: RecordedOffer["drafted"]): DraftTree {
  const { token = [], parent = [], confidence = [], observed } = drafted ?? {};
  return {
    token: Int32Array.from(token),
    parent: Int32Array.from(parent),
    source: new Uint8Array(token.length),
    confidence: Float32Array.from(confidence),
    ...(observed && { role: Uint8Array.from(token, (_, node) => Number(observed.includes(node))) }),
  };
}
