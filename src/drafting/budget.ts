import type { Bid } from "./drafter.ts";
import type { Prices } from "./prices.ts";
import { buyingOrder, type DraftTree, pathChances } from "./tree.ts";

/** What a round is expected to give and to cost. */
export interface Forecast {
  /** Nodes to verify; 0 = decode plainly. */
  readonly nodes: number;
  /** Expected emitted tokens, the free one included. */
  readonly tokens: number;
  /** This text's part of the forward, and its drafting. */
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

/** Where the same chances did not pay: they are not weighed again until the text has moved on a little, or the load is less. */
const refused = new WeakMap<object, { readonly kv: number; readonly rows: number }>();
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
 * The number of nodes with the most tokens per millisecond, those of others in the same forward included. Real curves have
 * steps, so all are tried until the tokens of all nodes together would not pay for what so many cost.
 */
export function best(tokens: readonly number[], milliseconds: (nodes: number) => number, otherTokens = 0): Forecast {
  let found: Forecast = { nodes: 0, tokens: otherTokens + tokens[0], milliseconds: milliseconds(0) };
  const most = otherTokens + tokens[tokens.length - 1];
  for (let nodes = 1; nodes < tokens.length; nodes++) {
    const cost = milliseconds(nodes);
    if (most * found.milliseconds <= found.tokens * cost) break;
    const all = otherTokens + tokens[nodes];
    if (all * found.milliseconds > found.tokens * cost) found = { nodes, tokens: all, milliseconds: cost };
  }
  return found;
}

/**
 * What to draft: the bid and the number of its nodes with the most expected tokens per millisecond, or nothing. Buys
 * nothing before plain rounds have been measured. `optimistic`: at the least that the widths may cost.
 */
export function buy(bids: readonly Bid[], prices: Prices, maxNodes: number, optimistic = false): Purchase {
  const { plainMs, otherTokens, kv, rows } = prices;
  let bought: Purchase = { bid: -1, nodes: 0, tokens: 1, milliseconds: plainMs, floor: 0 };
  if (plainMs === 0) return bought;
  const emptyMs = prices.roundMs(0);
  let bestRate = margin / plainMs;
  bids.forEach((bid, index) => {
    const before = refused.get(bid.chance);
    if (!optimistic && before && rows >= before.rows && Math.abs(kv - before.kv) < recheckRows) return;
    const cost = (nodes: number) => prices.roundMs(nodes, optimistic) + bid.draftMs(nodes);
    const plan = best(expectedOfBid(bid, maxNodes), cost, otherTokens);
    const tokens = plan.tokens - otherTokens;
    const milliseconds = plainMs + plan.milliseconds - emptyMs;
    const rate = tokens / milliseconds;
    if (!optimistic && (plan.nodes === 0 || rate * plainMs <= margin)) refused.set(bid.chance, { kv, rows });
    if (plan.nodes === 0 || rate <= bestRate) return;
    bestRate = rate;
    const verifyMs = (prices.roundMs(plan.nodes) - emptyMs) / plan.nodes;
    const draftMs = (bid.draftMs(plan.nodes) - bid.draftMs(1)) / Math.max(1, plan.nodes - 1);
    const floor = (plan.tokens / plan.milliseconds) * (verifyMs + draftMs);
    bought = { bid: index, nodes: plan.nodes, tokens, milliseconds, floor };
  });
  return bought;
}

/**
 * How many nodes of a draft that is there to verify: the drafting is paid for, and the drafter knows its own confidence by
 * now. May be less than was drafted, or nothing. `spentMs`: what drafting took.
 */
export function verifiable(
  tree: DraftTree,
  spentMs: number,
  prices: Prices,
  maxNodes: number,
  optimistic = false,
): number {
  const tokens = expectedTokens(tree.parent, tree.confidence, maxNodes);
  return best(tokens, (nodes) => prices.roundMs(nodes, optimistic) + spentMs, prices.otherTokens).nodes;
}

/** Bids by what their first `nodes` nodes are expected to give, best first; the order given wins a tie. */
export function byExpectedTokens(bids: readonly Bid[], nodes: number): number[] {
  const gain = bids.map((bid) => expectedTokens(bid.parent, bid.chance, nodes).at(-1) as number);
  return bids.map((_, i) => i).sort((a, b) => gain[b] - gain[a] || a - b);
}

/**
 * The bid whose first node is the likeliest, among those that ask less for it than a plain round takes; else among all, or
 * what looks dear would never be measured again. -1 = none.
 */
export function probeBid(bids: readonly Bid[], plainMs: number): number {
  const order = byExpectedTokens(bids, 1);
  return order.find((index) => bids[index].draftMs(1) < plainMs) ?? order[0] ?? -1;
}
