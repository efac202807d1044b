import type { AcceptanceTable } from "../calibration.ts";
import type { CostCurve } from "../cost-curve.ts";
import type { Bid, DraftSession, RoundResult, SequenceView, TokenView } from "../drafter.ts";
import { buyingOrder, cutTree, type DraftTree, judge, pathChances } from "../tree.ts";
import { type Guess, GuessTree } from "./guess-tree.ts";
import { HashedText } from "./hashed-text.ts";
import type { DraftLink } from "./link.ts";
import type { FromDraftSide } from "./messages.ts";
import { chancesAhead, nothing, offerOf } from "./offer.ts";
import { aheadBudget, defaultAhead, mostSequences } from "./sequences.ts";
import type { ParallelStats } from "./stats.ts";

/** A wait may take so many times what it should, and some milliseconds. */
const patienceFactor = 4;
const patienceFloorMs = 3;
/** Guesses that are remembered before those are dropped that the text has passed. */
const mostKept = 512;

/** What the sessions of one drafter share. */
export interface Shared {
  readonly link: DraftLink;
  /** Of the drafter, and of the target. */
  readonly curve: CostCurve;
  readonly targetCurve: CostCurve;
  readonly clock: () => number;
  readonly patienceMs: number;
  readonly stats: ParallelStats;
  /** True from a wait without an answer until something comes. */
  silent: boolean;
  poll(): void;
  close(session: number): void;
}

/** The target's side of one text. */
export class ParallelSession implements DraftSession {
  readonly #hub: Shared;
  readonly #id: number;
  readonly #source: number;
  readonly #vocabSize: number;
  readonly #acceptance: AcceptanceTable;
  readonly #text: HashedText;
  /** A copy of what the drafter guessed in its latest epoch, and where each guess stands in it. */
  #tree: GuessTree<number> | undefined;
  readonly #guesses = new Map<number, Guess<number>>();
  #epoch = 0;
  #failed = false;
  /** The prompt's tokens: the first token is not waited for. */
  #promptLength = 0;
  #ahead = defaultAhead;
  #offer = nothing;

  constructor(hub: Shared, id: number, { source, vocabSize, acceptance, contextLength, prompt }: SequenceView) {
    this.#hub = hub;
    this.#id = id;
    this.#source = source;
    this.#vocabSize = vocabSize;
    this.#acceptance = acceptance;
    this.#text = new HashedText(contextLength);
    hub.link.send({ kind: "open", session: id, rows: contextLength });
    if (prompt) this.#write(prompt, prompt.length);
  }

  bid(context: TokenView): readonly Bid[] {
    this.#write(context.tokens, context.length);
    this.#hub.poll();
    this.#look();
    if (this.#failed) return [];
    const { tree, chain, ended } = this.#offer;
    const atHand = { parent: tree.parent, chance: Float64Array.from(tree.confidence), draftMs: () => 0 };
    const bids: Bid[] = tree.token.length > 0 ? [atHand] : [];
    const more = Math.min(context.maxNodes, context.maxDepth) - chain.length;
    const waits = context.length > this.#promptLength && !this.#hub.silent && this.#tree !== undefined;
    if (more > 0 && waits && !ended) bids.push(this.#waitingBid(more, context.length));
    return bids;
  }

  /** What is at hand, and up to `more` tokens after the likeliest sequence that the drafter has yet to write. */
  #waitingBid(more: number, length: number): Bid {
    const { tree, chain } = this.#offer;
    const ahead = chancesAhead(this.#acceptance, chain.length, more, this.#chainChance());
    const known = tree.token.length;
    const parent = new Int32Array(known + ahead.length);
    const chance = new Float64Array(known + ahead.length);
    parent.set(tree.parent);
    chance.set(tree.confidence);
    chance.set(ahead, known);
    for (let i = known; i < parent.length; i++) parent[i] = i === known ? (chain.at(-1) ?? -1) : i - 1;
    const waited = waitedFor(parent, chance, known);
    const stepMs = this.#hub.curve.ms(1, length);
    return { parent, chance, draftMs: (nodes) => stepMs * waited[nodes] };
  }

  expand(bid: Bid, nodes: number, floor: number): DraftTree {
    const known = this.#offer.tree.token.length;
    const waited = waitedFor(bid.parent, bid.chance, known)[Math.min(nodes, bid.parent.length)];
    if (waited > 0) this.#wait(this.#offer.chain.length + waited, waited, floor);
    return cutTree(this.#offer.tree, nodes);
  }

  /** Waits until the likeliest sequence has `tokens` tokens, or its path is no longer worth it, or patience ends. */
  #wait(tokens: number, missing: number, floor: number): void {
    const hub = this.#hub;
    const { length } = this.#text;
    hub.link.send({ kind: "plan", session: this.#id, length, depth: 0, ahead: tokens, sequences: 1 });
    const start = hub.clock();
    const expected = patienceFloorMs + patienceFactor * missing * hub.curve.ms(1, length);
    // Who asks for all nodes whatever they cost gets all patience too.
    const deadline = start + (floor === 0 ? hub.patienceMs : Math.min(hub.patienceMs, expected));
    for (;;) {
      hub.poll();
      this.#look();
      const { length: depth } = this.#offer.chain;
      if (this.#failed || this.#offer.ended || depth >= tokens) break;
      const path = this.#chainChance();
      if (path * (chancesAhead(this.#acceptance, depth, 1, path)[0] ?? 0) < floor) break;
      const left = deadline - hub.clock();
      if (!(left > 0)) {
        hub.silent = true;
        hub.stats.timeouts++;
        break;
      }
      hub.link.wait(left);
    }
    hub.stats.waitMs += hub.clock() - start;
  }

  /** The tree is settled: the drafter goes on after the part of its likeliest sequence that is in it. */
  verifying(tree: DraftTree): void {
    const { length } = this.#text;
    if (this.#failed || length === 0) return;
    const hub = this.#hub;
    const own = this.#offer.tree;
    let depth = 0;
    let at = -1;
    for (const node of this.#offer.chain) {
      const next = childOf(tree, at, own.token[node]);
      if (next < 0) break;
      at = next;
      depth++;
    }
    this.#ahead = aheadBudget(hub.targetCurve, hub.curve, length, this.#ahead);
    hub.link.send({
      kind: "plan",
      session: this.#id,
      length,
      depth,
      ahead: this.#ahead,
      sequences: mostSequences,
    });
  }

  observe(round: RoundResult): void {
    const { stats } = this.#hub;
    const { tree, rank, bucket } = this.#offer;
    stats.rounds++;
    if (tree.token.length > 0) stats.ready++;
    for (const node of round.path) if (round.tree.source[node] === this.#source) stats.accepted++;
    judge(tree, round.emitted, (node, depth, accepted) => {
      this.#acceptance.update(rank[node], depth, accepted);
      this.#acceptance.update(bucket[node], 0, accepted);
    });
    this.#offer = nothing;
    this.#write(round.tokens, round.length);
  }

  close(): void {
    this.#hub.close(this.#id);
  }

  receive(message: FromDraftSide): void {
    if (message.kind === "failed") this.#failed = true;
    if (message.kind === "lost") this.#resend();
    if (message.kind !== "draft") return;
    const { epoch, base, length, hash, guesses } = message;
    if (this.#text.hash(length) !== hash) {
      this.#resend();
      return;
    }
    if (epoch < this.#epoch || guesses.length === 0) return;
    if (epoch > this.#epoch) {
      this.#epoch = epoch;
      this.#tree = new GuessTree(base, -1);
      this.#guesses.clear();
    }
    for (const { id, parent, token, probability } of guesses) {
      const above = parent === -1 ? this.#base() : this.#guesses.get(parent);
      const known = this.#guesses.has(id) || above?.children.some((sibling) => sibling.token === token);
      if (!above || known || token < 0 || token >= this.#vocabSize) continue;
      const guess = { token, probability, children: [], data: id };
      above.children.push(guess);
      this.#guesses.set(id, guess);
    }
  }

  /** Where guesses stand that follow the text at which the epoch began: passed, unless the root is still there. */
  #base(): Guess<number> | undefined {
    return this.#tree?.root.data === -1 ? this.#tree.root : undefined;
  }

  /** Sends what is new of the committed text. */
  #write(tokens: Int32Array, length: number): void {
    const from = this.#text.length;
    if (length <= from) return;
    if (from === 0) this.#promptLength = length;
    const news = tokens.slice(from, length);
    this.#text.write(from, news);
    this.#hub.link.send({ kind: "text", session: this.#id, from, tokens: news, hash: this.#text.hash() });
  }

  #resend(): void {
    this.#hub.stats.resyncs++;
    const tokens = this.#text.tokens.slice(0, this.#text.length);
    this.#hub.link.send({ kind: "text", session: this.#id, from: 0, tokens, hash: this.#text.hash() });
  }

  /** Makes an offer of the guesses that follow the text; of none while the drafter is behind, or the text went elsewhere. */
  #look(): void {
    const tree = this.#tree;
    this.#offer = nothing;
    if (!tree?.follow(this.#text.tokens, this.#text.length)) return;
    if (this.#guesses.size > mostKept) this.#forget(tree.root);
    this.#offer = offerOf(tree.root, this.#source, this.#acceptance);
  }

  /** Keeps what follows the root. */
  #forget(root: Guess<number>): void {
    this.#guesses.clear();
    const keep = (guess: Guess<number>): void => {
      if (guess.data >= 0) this.#guesses.set(guess.data, guess);
      guess.children.forEach(keep);
    };
    keep(root);
  }

  #chainChance(): number {
    const { tree, chain } = this.#offer;
    return chain.reduce((path, node) => path * tree.confidence[node], 1);
  }
}

/** Per number of nodes bought in order of path chance: those among them that are not at hand yet. [nodes + 1] */
function waitedFor(parent: Int32Array, chance: Float64Array, known: number): Int32Array {
  const waited = new Int32Array(parent.length + 1);
  buyingOrder(pathChances(parent, chance)).forEach((node, i) => {
    waited[i + 1] = waited[i] + (node >= known ? 1 : 0);
  });
  return waited;
}

function childOf({ parent, token }: DraftTree, at: number, wanted: number): number {
  for (let node = at + 1; node < token.length; node++) if (parent[node] === at && token[node] === wanted) return node;
  return -1;
}
