import type { CostCurve } from "./cost-curve.ts";

/** What the rows of a round cost one text, in a forward of its own or in one shared with others. Milliseconds. */
export interface Prices {
  /** One token of plain decoding: this text's part of a forward in which nobody drafts. 0 = not measured yet. */
  readonly plainMs: number;
  /** Tokens that the others in the forward are expected to give; 0 alone. */
  readonly otherTokens: number;
  /** Rows of the forward without further nodes: 1 alone. */
  readonly rows: number;
  /** Committed rows: of this text, or the mean of all. */
  readonly kv: number;
  /** The whole forward with `nodes` further rows. `optimistic`: at the least that they may cost. */
  roundMs(nodes: number, optimistic?: boolean): number;
}

/** A forward of one text after `kv` committed rows. */
export function soloPrices(curve: CostCurve, kv: number): Prices {
  return {
    plainMs: curve.ms(1, kv),
    otherTokens: 0,
    rows: 1,
    kv,
    roundMs: (nodes, optimistic) => curve.ms(1 + nodes, kv, optimistic),
  };
}

/** This text's part of a forward with `nodes` nodes of its own: a plain round's, and all that its nodes add. */
export function ownMs(prices: Prices, nodes: number): number {
  return prices.plainMs + prices.roundMs(nodes) - prices.roundMs(0);
}
