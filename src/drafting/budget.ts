import type { CostCurve } from "./cost-curve.ts";
import type { Bid } from "./drafter.ts";
import { buyingOrder, type DraftTree, pathChances } from "./tree.ts";

/** What a round is expected to give and to cost. */
export interface Forecast {
  /** Nodes to verify; 0 = decode plainly. */
  readonly nodes: number;
  /** Expected emitted tokens, the free one included. */
  readonly tokens: number;
  readonly milliseconds: number;
}

export interface Purchase extends Forecast {
  /** Index of the bid; -1 when nothing is bought. */
  readonly bid: number;
  /** Path chance under which the drafter should stop: there one more node costs more than it is expected to give. */
  readonly floor: number;
}

/** A plan must promise this much more than plain decoding: the best of several noisy estimates is flattering. */
const margin = 1.03;

/** Sessions offer the same chances again while they have learned nothing. */
const known = new WeakMap<object, readonly number[]>();

/** The KV length at which the same chances did not pay: they are not weighed again until it has moved on a little. */
const refused = new WeakMap<object, number>();
const recheckRows = 16;

function expectedOfBid(bid: Bid, maxNodes: number): readonly number[] {
  const tokens = known.get(bid.chance);
  if (tokens?.length === Math.min(bid.parent.length, maxNodes) + 1) return tokens;
  const computed = expectedTokens(bid.parent, bid.chance, maxNodes);
  known.set(bid.chance, computed);
  return computed;
}

/** Expected tokens per number of nodes bought in order of path chance, free token included: [1, 1 + p, ..]. */
function expectedTokens(parent: Int32Array, chance: ArrayLike<number>, maxNodes: number): number[] {
  const path = pathChances(parent, chance);
  const order = buyingOrder(path);
  const tokens = [1];
  for (let n = 0; n < order.length && n < maxNodes; n++) tokens.push(tokens[n] + path[order[n]]);
  return tokens;
}

/**
 * The number of nodes with the most tokens per millisecond. Real curves have steps, so all are tried until the tokens of
 * all nodes together would not pay for what so many cost.
 */
function best(tokens: readonly number[], milliseconds: (nodes: number) => number): Forecast {
  let found: Forecast = { nodes: 0, tokens: 1, milliseconds: milliseconds(0) };
  const most = tokens[tokens.length - 1];
  for (let nodes = 1; nodes < tokens.length; nodes++) {
    const cost = milliseconds(nodes);
    if (most * found.milliseconds <= found.tokens * cost) break;
    if (tokens[nodes] * found.milliseconds > found.tokens * cost) {
      found = { nodes, tokens: tokens[nodes], milliseconds: cost };
    }
  }
  return found;
}

/**
 * What to draft: the bid and the number of its nodes with the most expected tokens per millisecond, or nothing. Buys
 * nothing before plain rounds have been measured. `kv`: committed rows of the target. `optimistic`: at the least that the
 * widths may cost.
 */
export function buy(
  bids: readonly Bid[],
  curve: CostCurve,
  kv: number,
  maxNodes: number,
  optimistic = false,
): Purchase {
  const plainMs = curve.ms(1, kv);
  let bought: Purchase = { bid: -1, nodes: 0, tokens: 1, milliseconds: plainMs, floor: 0 };
  if (plainMs === 0) return bought;
  let bestRate = margin / plainMs;
  bids.forEach((bid, index) => {
    const refusedAt = refused.get(bid.chance);
    if (!optimistic && refusedAt !== undefined && Math.abs(kv - refusedAt) < recheckRows) return;
    const cost = (nodes: number) => curve.ms(1 + nodes, kv, optimistic) + bid.draftMs(nodes);
    const plan = best(expectedOfBid(bid, maxNodes), cost);
    const rate = plan.tokens / plan.milliseconds;
    if (!optimistic && (plan.nodes === 0 || rate * plainMs <= margin)) refused.set(bid.chance, kv);
    if (plan.nodes === 0 || rate <= bestRate) return;
    bestRate = rate;
    const verifyMs = (curve.ms(1 + plan.nodes, kv) - plainMs) / plan.nodes;
    const draftMs = (bid.draftMs(plan.nodes) - bid.draftMs(1)) / Math.max(1, plan.nodes - 1);
    bought = { ...plan, bid: index, floor: rate * (verifyMs + draftMs) };
  });
  return bought;
}

/**
 * What to verify of a draft that is there: the drafting is paid for, and the drafter knows its own confidence by now. May
 * be less than was drafted, or nothing. `spentMs`: what drafting took.
 */
export function verifiable(
  tree: DraftTree,
  spentMs: number,
  curve: CostCurve,
  kv: number,
  maxNodes: number,
  optimistic = false,
): Forecast {
  const tokens = expectedTokens(tree.parent, tree.confidence, maxNodes);
  return best(tokens, (nodes) => curve.ms(1 + nodes, kv, optimistic) + spentMs);
}

/** Bids by what their first `nodes` nodes are expected to give, best first; the order given wins a tie. */
export function byExpectedTokens(bids: readonly Bid[], nodes: number): number[] {
  const gain = bids.map((bid) => expectedTokens(bid.parent, bid.chance, nodes).at(-1) as number);
  return bids.map((_, i) => i).sort((a, b) => gain[b] - gain[a] || a - b);
}

/** The bid whose first node is the likeliest, among those that ask less for it than a plain round takes; -1 = none. */
export function probeBid(bids: readonly Bid[], plainMs: number): number {
  return byExpectedTokens(bids, 1).find((index) => bids[index].draftMs(1) < plainMs) ?? -1;
}
