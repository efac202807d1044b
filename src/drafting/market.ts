import { buy, byExpectedTokens, type Forecast, probeBid, verifiable } from "./budget.ts";
import type { CostCurve } from "./cost-curve.ts";
import type { Bid, DraftSession, TokenView } from "./drafter.ts";
import type { Guard } from "./guard.ts";
import { checkTree, cutTree, type DraftTree, emptyTree, exclusiveSiblings, mergeTrees, pathChances } from "./tree.ts";

/**
 * How much to draft. `off`: never. `forced`: `budget` nodes a round whenever the drafters can, whatever it costs. `auto`:
 * what pays under the cost curve, `budget` (default 32) nodes at most.
 */
export interface Policy {
  readonly mode: "auto" | "forced" | "off";
  readonly budget?: number;
}

/** Why a round drafted what it did. */
export type Decision =
  | "off"
  | "last-token" // only one token is left to emit, or one row to hold it
  | "unasked" // nothing was bought for long: the drafters are asked now and then
  | "no-offer"
  | "forced"
  | "bought"
  | "probe" // declined so often that something is tried
  | "declined" // no offer pays under the curve
  | "draft-discarded" // drafted, but with such low confidence that verifying does not pay
  | "slower-than-plain" // the guard's verdict on the last rounds
  | "plain-baseline"; // the guard wants a measured plain round

/** An open drafter of one generation. */
export interface Seat {
  readonly name: string;
  readonly session: DraftSession;
}

interface Offer {
  readonly seat: Seat;
  readonly bid: Bid;
}

export interface Draft {
  readonly tree: DraftTree;
  readonly decision: Decision;
  /** Nodes offered by each drafter. */
  readonly offered: Readonly<Record<string, number>>;
  /** Expected tokens and milliseconds, those of drafting included; plain decoding where nothing is drafted. */
  readonly forecast: Forecast;
  /** True when a drafter was run or a tree bought, even if nothing of it is verified. */
  readonly paid: boolean;
}

/** One purchase in so many is made as if wider forwards cost as little as they may, or they would never be tried. */
const exploreEvery = 16;

const noOffers: Readonly<Record<string, number>> = {};

/** Collects the bids of a round, decides, and has the chosen ones drafted. Makes the whole decision of a round. */
export class Market {
  private readonly seats: readonly Seat[];
  private readonly policy: Policy;
  private readonly curve: CostCurve;
  private readonly guard: Guard;
  private readonly clock: () => number;
  private readonly vocabSize: number;
  private purchases = 0;

  constructor(
    seats: readonly Seat[],
    policy: Policy,
    curve: CostCurve,
    guard: Guard,
    clock: () => number,
    vocabSize: number,
  ) {
    this.seats = seats;
    this.policy = policy;
    this.curve = curve;
    this.guard = guard;
    this.clock = clock;
    this.vocabSize = vocabSize;
  }

  /** `kv`: committed rows of the target. */
  draft(context: TokenView, kv: number): Draft {
    if (this.policy.mode === "off" || this.seats.length === 0) return this.plain("off", kv, noOffers);
    if (context.maxDepth < 1 || context.maxNodes < 1) return this.plain("last-token", kv, noOffers);
    const auto = this.policy.mode === "auto";
    if (auto && this.guard.reason) return this.plain(this.guard.reason, kv, noOffers);
    if (auto && !this.guard.asks) return this.plain("unasked", kv, noOffers);
    const offers: Offer[] = [];
    const offered: Record<string, number> = {};
    for (const seat of this.seats) {
      for (const bid of seat.session.bid(context)) {
        offers.push({ seat, bid });
        offered[seat.name] = (offered[seat.name] ?? 0) + bid.parent.length;
      }
    }
    if (offers.length === 0) return this.plain("no-offer", kv, offered);
    return auto ? this.bought(offers, offered, context, kv) : this.forced(offers, offered, context, kv);
  }

  private plain(decision: Decision, kv: number, offered: Draft["offered"]): Draft {
    const milliseconds = this.policy.mode === "auto" ? this.curve.ms(1, kv) : 0;
    return { tree: emptyTree, decision, offered, forecast: { nodes: 0, tokens: 1, milliseconds }, paid: false };
  }

  private bought(offers: readonly Offer[], offered: Draft["offered"], context: TokenView, kv: number): Draft {
    const bids = offers.map((offer) => offer.bid);
    let purchase = buy(bids, this.curve, kv, context.maxNodes);
    const explores = purchase.bid >= 0 && ++this.purchases % exploreEvery === 0;
    if (explores) purchase = buy(bids, this.curve, kv, context.maxNodes, true);
    if (purchase.bid < 0) {
      if (purchase.milliseconds === 0 || !this.guard.decline(purchase.milliseconds)) {
        return this.plain("declined", kv, offered);
      }
      return this.probe(offers, offered, context, kv, purchase.milliseconds);
    }
    const start = this.clock();
    const bought = this.expand(offers[purchase.bid], purchase.nodes, purchase.floor, context);
    const drafted = this.withFree(bought, offers, purchase.bid, context);
    const { nodes } = verifiable(drafted, this.clock() - start, this.curve, kv, context.maxNodes, explores);
    const tree = cutTree(drafted, nodes);
    const forecast = this.forecast(tree, kv, bids[purchase.bid].draftMs(purchase.nodes));
    return { tree, decision: nodes === 0 ? "draft-discarded" : "bought", offered, forecast, paid: true };
  }

  /** What other drafters offer for nothing goes into the same tree; how much of it all is verified is decided after. */
  private withFree(tree: DraftTree, offers: readonly Offer[], bought: number, context: TokenView): DraftTree {
    const trees = [tree];
    offers.forEach((offer, i) => {
      const nodes = Math.min(offer.bid.parent.length, context.maxNodes);
      if (i !== bought && offer.bid.draftMs(nodes) === 0) trees.push(this.expand(offer, nodes, 0, context));
    });
    return trees.length === 1 ? tree : exclusiveSiblings(mergeTrees(trees));
  }

  /** Tries what would pay if wider forwards cost as little as they may; if that is too dear, the likeliest single node. */
  private probe(
    offers: readonly Offer[],
    offered: Draft["offered"],
    context: TokenView,
    kv: number,
    plainMs: number,
  ): Draft {
    const bids = offers.map((offer) => offer.bid);
    const hopeful = buy(bids, this.curve, kv, context.maxNodes, true);
    for (const { bid, nodes } of [hopeful, { bid: probeBid(bids, plainMs), nodes: 1 }]) {
      if (bid < 0) continue;
      const { draftMs, onceMs = 0 } = bids[bid];
      const extraMs = this.curve.ms(1 + nodes, kv) - plainMs + draftMs(nodes) + onceMs;
      if (!this.guard.probe(extraMs)) continue;
      const tree = this.expand(offers[bid], nodes, 0, context);
      return { tree, decision: "probe", offered, forecast: this.forecast(tree, kv, draftMs(nodes)), paid: true };
    }
    return this.plain("declined", kv, offered);
  }

  /** Fills the budget: the most promising bid first, the others only with what it leaves. */
  private forced(offers: readonly Offer[], offered: Draft["offered"], context: TokenView, kv: number): Draft {
    const trees: DraftTree[] = [];
    let tree = emptyTree;
    let draftMs = 0;
    for (const index of byExpectedTokens(
      offers.map((offer) => offer.bid),
      context.maxNodes,
    )) {
      if (tree.token.length >= context.maxNodes) break;
      const { bid } = offers[index];
      const nodes = Math.min(context.maxNodes, bid.parent.length);
      trees.push(this.expand(offers[index], nodes, 0, context));
      draftMs += bid.draftMs(nodes);
      tree = mergeTrees(trees);
    }
    tree = cutTree(tree, context.maxNodes);
    return { tree, decision: "forced", offered, forecast: this.forecast(tree, kv, draftMs), paid: true };
  }

  /** Has a bid drafted, refuses an illegal tree, and cuts what is deeper than of use. */
  private expand({ seat, bid }: Offer, nodes: number, floor: number, context: TokenView): DraftTree {
    const tree = seat.session.expand(bid, nodes, floor);
    checkTree(tree, this.vocabSize, seat.name);
    return cutTree(tree, nodes, context.maxDepth);
  }

  private forecast(tree: DraftTree, kv: number, draftMs: number): Forecast {
    const nodes = tree.token.length;
    const tokens = pathChances(tree.parent, tree.confidence).reduce((sum, chance) => sum + chance, 1);
    return { nodes, tokens, milliseconds: draftMs + this.curve.ms(1 + nodes, kv) };
  }
}
