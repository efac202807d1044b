import { buy, byExpectedTokens, type Forecast, probeBid, verifiable } from "./budget.ts";
import type { Bid, DraftSession, TokenView } from "./drafter.ts";
import type { Guard, Try } from "./guard.ts";
import { ownMs, type Prices } from "./prices.ts";
import {
  checkTree,
  cutTree,
  type DraftTree,
  emptyTree,
  exclusiveSiblings,
  mergeTrees,
  pathChances,
  withoutDraws,
} from "./tree.ts";

/**
 * How much to draft. `off`: never. `forced`: `budget` nodes a round whenever the drafters can, whatever it costs. `auto`:
 * what pays under the cost curve, `budget` (default 32) nodes at most. `survey`: every drafter drafts all that it offers,
 * and the round emits one token whatever was accepted, so that what could be drafted is known at every position.
 */
export interface Policy {
  readonly mode: "auto" | "forced" | "off" | "survey";
  readonly budget?: number;
}

/** Why a round drafted what it did. */
export type Decision =
  | "off"
  | "last-token" // only one token is left to emit, or one row to hold it
  | "unasked" // nothing was bought for long: the drafters are asked now and then
  | "no-offer"
  | "forced"
  | "survey"
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

export interface Offer {
  readonly seat: Seat;
  readonly bid: Bid;
  /** What was drafted of it, if anything was. */
  drafted?: DraftTree;
}

export interface Draft {
  readonly tree: DraftTree;
  readonly decision: Decision;
  /** Nodes offered by each drafter. */
  readonly offered: Readonly<Record<string, number>>;
  readonly offers: readonly Offer[];
  /** Expected tokens and milliseconds, those of drafting included; plain decoding where nothing is drafted. */
  readonly forecast: Forecast;
  /** True when a drafter was run or a tree bought, even if nothing of it is verified. */
  readonly paid: boolean;
  /** Set while the tree is all that was drafted: `cut` decides what of it is verified. */
  readonly uncut?: { readonly spentMs: number; readonly explores: boolean };
  /** Of a probe. */
  readonly tried?: Try;
}

type Asked = Pick<Draft, "offered" | "offers">;

/** One purchase in so many is made as if wider forwards cost as little as they may, or they would never be tried. */
const exploreEvery = 16;
/** Nodes of a probe, at most: the first that can be afforded. */
const triedNodes = [Number.POSITIVE_INFINITY, 7, 3];
/** Share of a plain round that the bids of one drafter may take; and while it has not sold for so many bids. */
const mostBidShare = 0.03;
const idleBidShare = 0.01;
const idleBids = 32;
const bidMemory = 0.1;

const nothingOffered: Pick<Draft, "offered" | "offers"> = { offered: {}, offers: [] };

/** Collects the bids of a round, decides, and has the chosen ones drafted. */
export class Market {
  private readonly seats: readonly Seat[];
  private readonly policy: Policy;
  private readonly guard: Guard;
  private readonly clock: () => number;
  private readonly vocabSize: number;
  private readonly ratio: boolean;
  private purchases = 0;
  private rounds = 0;
  /** What a bid of each seat takes, the rounds in a row in which it was not asked, and its bids since it sold. */
  private readonly prices = new Map<Seat, { ms: number; passed: number; unsold: number }>();

  /** `ratio`: the drafts will be judged by their q, so nothing may be cut for the value of a token that was drawn. */
  constructor(
    seats: readonly Seat[],
    policy: Policy,
    guard: Guard,
    clock: () => number,
    vocabSize: number,
    ratio = false,
  ) {
    this.seats = seats;
    this.policy = policy;
    this.guard = guard;
    this.clock = clock;
    this.vocabSize = vocabSize;
    this.ratio = ratio;
  }

  /** What is drafted in this round. */
  draft(context: TokenView, prices: Prices): Draft {
    if (this.policy.mode === "off" || this.seats.length === 0) return this.plain("off", prices, nothingOffered);
    if (context.maxDepth < 1 || context.maxNodes < 1) return this.plain("last-token", prices, nothingOffered);
    const auto = this.policy.mode === "auto";
    if (auto && this.guard.reason) return this.plain(this.guard.reason, prices, nothingOffered);
    if (auto && this.rounds++ % this.guard.askEvery > 0) return this.plain("unasked", prices, nothingOffered);
    const offers: Offer[] = [];
    const offered: Record<string, number> = {};
    for (const seat of this.seats) {
      for (const bid of auto ? this.ask(seat, context, prices) : seat.session.bid(context)) {
        offers.push({ seat, bid });
        offered[seat.name] = (offered[seat.name] ?? 0) + bid.parent.length;
      }
    }
    const asked = { offered, offers };
    if (offers.length === 0) return this.plain("no-offer", prices, asked);
    if (this.policy.mode === "survey") return this.surveyed(asked, context, prices);
    return auto ? this.bought(asked, context, prices) : this.forced(asked, context, prices);
  }

  /** How many nodes of an uncut draft are worth verifying, where the forward is this text's alone. */
  worth({ tree, uncut }: Draft, context: TokenView, prices: Prices): number {
    if (!uncut) return tree.token.length;
    return verifiable(tree, uncut.spentMs, prices, context.maxNodes, uncut.explores);
  }

  /** The draft that is verified: an uncut one with its best `nodes` nodes, any other as it is. */
  cut(draft: Draft, nodes: number, prices: Prices): Draft {
    const { uncut, ...rest } = draft;
    if (!uncut) return draft;
    const tree = cutTree(draft.tree, nodes);
    return {
      ...rest,
      tree,
      decision: nodes === 0 ? "draft-discarded" : draft.decision,
      forecast: this.forecast(tree, prices, draft.forecast.milliseconds),
    };
  }

  /** A seat whose bids cost more than they may, against a plain round, is asked now and then: bids get cheaper, too. */
  private ask(seat: Seat, context: TokenView, { plainMs }: Prices): readonly Bid[] {
    const price = this.prices.get(seat) ?? { ms: 0, passed: 0, unsold: 0 };
    this.prices.set(seat, price);
    const share = price.unsold < idleBids ? mostBidShare : idleBidShare;
    if (plainMs > 0 && price.ms > share * plainMs * (price.passed + 1)) {
      price.passed++;
      return [];
    }
    price.passed = 0;
    price.unsold++;
    const start = this.clock();
    const bids = seat.session.bid(context);
    const spent = this.clock() - start;
    // One slow bid is a hiccup, or a long text read for the first time.
    price.ms += bidMemory * (Math.min(spent, Math.max(4 * price.ms, plainMs)) - price.ms);
    return bids;
  }

  private plain(decision: Decision, { plainMs }: Prices, asked: Asked): Draft {
    const milliseconds = this.policy.mode === "auto" ? plainMs : 0;
    return { tree: emptyTree, decision, ...asked, forecast: { nodes: 0, tokens: 1, milliseconds }, paid: false };
  }

  private bought(asked: Asked, context: TokenView, prices: Prices): Draft {
    const { offers } = asked;
    const bids = offers.map((offer) => offer.bid);
    let purchase = buy(bids, prices, context.maxNodes);
    const explores = purchase.bid >= 0 && ++this.purchases % exploreEvery === 0;
    if (explores) purchase = buy(bids, prices, context.maxNodes, true);
    if (purchase.bid < 0) {
      if (prices.plainMs === 0 || !this.guard.decline(prices.plainMs)) return this.plain("declined", prices, asked);
      return this.probe(asked, context, prices);
    }
    const start = this.clock();
    const bought = this.expand(offers[purchase.bid], purchase.nodes, purchase.floor, context);
    const drafted = this.withFree(bought, offers, purchase.bid, context);
    const spentMs = this.clock() - start;
    const quotedMs = bids[purchase.bid].draftMs(purchase.nodes);
    const forecast = { nodes: drafted.token.length, tokens: purchase.tokens, milliseconds: quotedMs };
    // Drawn tokens are verified whatever they are, or their law would be another.
    const tree = drafted.draws ? cutTree(drafted, context.maxNodes) : drafted;
    if (drafted.draws) {
      return { tree, decision: "bought", ...asked, forecast: this.forecast(tree, prices, quotedMs), paid: true };
    }
    return { tree, decision: "bought", ...asked, forecast, paid: true, uncut: { spentMs, explores } };
  }

  /**
   * What other drafters offer for nothing goes into the same tree; how much of it all is verified is decided after. Not so
   * beside drawn tokens, where nothing can be decided after: it would all be verified.
   */
  private withFree(tree: DraftTree, offers: readonly Offer[], bought: number, context: TokenView): DraftTree {
    if (tree.draws) return tree;
    const trees = [tree];
    offers.forEach((offer, i) => {
      const nodes = Math.min(offer.bid.parent.length, context.maxNodes);
      if (i !== bought && offer.bid.draftMs(nodes) === 0) trees.push(this.expand(offer, nodes, 0, context));
    });
    return trees.length === 1 ? tree : exclusiveSiblings(mergeTrees(trees));
  }

  /**
   * Tries what would pay if wider forwards cost as little as they may, all of it or as much as the savings allow: a narrower
   * forward tells of the wider ones. Where nothing would pay, the likeliest single node.
   */
  private probe(asked: Asked, context: TokenView, prices: Prices): Draft {
    const bids = asked.offers.map((offer) => offer.bid);
    const most = triedNodes.map((nodes) => Math.min(nodes, context.maxNodes));
    const hopeful = most.map((nodes) => buy(bids, prices, nodes, true)).filter(({ bid }) => bid >= 0);
    const tried: Try = hopeful.length > 0 ? "width" : "chance";
    const plans = hopeful.length > 0 ? hopeful : [{ bid: probeBid(bids, prices.plainMs), nodes: 1 }];
    for (const { bid, nodes } of plans) {
      if (bid < 0) continue;
      const { draftMs, onceMs = 0 } = bids[bid];
      const extraMs = ownMs(prices, nodes) - prices.plainMs + draftMs(nodes) + onceMs;
      if (!this.guard.probe(tried, extraMs)) continue;
      const tree = this.expand(asked.offers[bid], nodes, 0, context);
      return {
        tree,
        decision: "probe",
        ...asked,
        forecast: this.forecast(tree, prices, draftMs(nodes)),
        paid: true,
        tried,
      };
    }
    return this.plain("declined", prices, asked);
  }

  /** Fills the budget: the most promising bid first, the others only with what it leaves. */
  private forced(asked: Asked, context: TokenView, prices: Prices): Draft {
    const { offers } = asked;
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
    return { tree, decision: "forced", ...asked, forecast: this.forecast(tree, prices, draftMs), paid: true };
  }

  private surveyed(asked: Asked, context: TokenView, prices: Prices): Draft {
    const trees = asked.offers.map((offer) => {
      const nodes = Math.min(context.maxNodes, offer.bid.parent.length);
      return this.expand(offer, nodes, 0, context);
    });
    const tree = cutTree(mergeTrees(trees), context.maxNodes);
    return { tree, decision: "survey", ...asked, forecast: this.forecast(tree, prices, 0), paid: true };
  }

  /** Has a bid drafted, refuses an illegal tree, and cuts what is deeper than of use. */
  private expand(offer: Offer, nodes: number, floor: number, context: TokenView): DraftTree {
    const tree = offer.seat.session.expand(offer.bid, nodes, floor);
    const price = this.prices.get(offer.seat);
    if (price) price.unsold = 0;
    checkTree(tree, this.vocabSize, offer.seat.name);
    offer.drafted = cutTree(this.ratio ? tree : withoutDraws(tree), nodes, context.maxDepth);
    return offer.drafted;
  }

  private forecast(tree: DraftTree, prices: Prices, draftMs: number): Forecast {
    const nodes = tree.token.length;
    const tokens = pathChances(tree.parent, tree.confidence).reduce((sum, chance) => sum + chance, 1);
    return { nodes, tokens, milliseconds: draftMs + ownMs(prices, nodes) };
  }
}
