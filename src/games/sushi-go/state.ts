// A game's state: typed views of one buffer, so that a copy is one memcpy and a saved state is its bytes.
import { streamWords } from "../random.ts";
import { phase } from "./actions.ts";
import { dessertFaces, faceCount, kindCount } from "./cards.ts";
import type { Setup } from "./setup.ts";

export const stage = { commit: 0, queue: 1, over: 2 } as const;
export const none = 255;
export const deckCapacity = 72;
const queueCapacity = 64;

/** Indices into `scalars`. */
export const at = {
  round: 0,
  /** Passes so far this round: a player knows the hands of as many neighbours to the left. */
  turn: 1,
  stage: 2,
  /** Who acts, and what is asked, while the queue runs. */
  actor: 3,
  phase: 4,
  deckSize: 5,
  reserveSize: 6,
  /** Uramaki places taken this round. */
  uramakiPlaces: 7,
  queueSize: 8,
  /** Cards drawn by a menu, lying in `drawn`. */
  drawnSize: 9,
  /** What the spoon asks for (an action), and who gives. */
  asked: 10,
  giver: 11,
  /** Order number being carried out. */
  order: 12,
  /** Kind + 1 of the chopsticks or spoon in use; of a special order that waits for its target. */
  held: 13,
  waiting: 14,
  rewarded: 15,
  /** Whose menu, box, chopsticks or spoon is being carried out. */
  caller: 16,
} as const;
const scalarCount = 17;
const maxDrawn = 4;
export const bonusOrders = 6;

export class SushiState {
  readonly setup: Setup;
  readonly bytes: Uint8Array;
  /** Stream of menu shuffles [4], then the seed of each round's deck [3]. */
  readonly words: Uint32Array;
  /** Points banked: rounds scored so far, and uramaki places at once. [n] */
  readonly score: Int16Array;
  /** Points ahead of the best opponent when the last round ended; and how much that changed in the last step. [n] */
  readonly margin: Int16Array;
  readonly reward: Int16Array;
  readonly scalars: Uint8Array;
  /** Hands by slot; player p holds slot (p - turn) mod n, so passing moves nothing. [n, kinds] and their sizes [n] */
  readonly hands: Uint8Array;
  readonly handSizes: Uint8Array;
  /** Physical cards before each player, face up or down, a special order as itself. [n, kinds] */
  readonly placed: Uint8Array;
  /** What the face-up cards are, copies as their target; those played this turn; those that are copies. [n, faces] */
  readonly tray: Uint8Array;
  readonly fresh: Uint8Array;
  readonly copies: Uint8Array;
  readonly faceDown: Uint8Array;
  /** Order numbers of own face-up chopsticks and spoons (bit order - 1), and copies of them. [n], [n, 6] */
  readonly orders: Uint8Array;
  readonly copiedOrders: Uint8Array;
  readonly freeWasabi: Uint8Array;
  /** Nigiri on wasabi, by value. [n, 3] */
  readonly bound: Uint8Array;
  readonly freshMiso: Uint8Array;
  /** Desserts of earlier rounds. [n, 8] */
  readonly fridge: Uint8Array;
  /** Commitments, hidden until all are made. [n]; calls [n, 2]: chopsticks, spoons */
  readonly commit: Uint8Array;
  readonly pending: Uint8Array;
  readonly target: Uint8Array;
  readonly calls: Uint8Array;
  readonly deck: Uint8Array;
  readonly reserve: Uint8Array;
  readonly discard: Uint8Array;
  /** Cards out of the game: desserts in fridges, special orders that copied one. [kinds] */
  readonly gone: Uint8Array;
  /** order * 8 + player, descending: the lowest order is last. */
  readonly queue: Uint8Array;
  readonly drawn: Uint8Array;

  constructor(setup: Setup) {
    this.setup = setup;
    const n = setup.players;
    const wordCount = streamWords + 3;
    const shorts = 3 * n;
    const small = [
      ...[scalarCount, n * kindCount, n, n * kindCount, n * faceCount, n * faceCount, n * faceCount, n, n],
      ...[n * bonusOrders, n, n * 3, n, n * dessertFaces, n, n, n, n * 2],
      ...[deckCapacity, 15, kindCount, kindCount, queueCapacity, maxDrawn],
    ];
    const total = wordCount * 4 + shorts * 2 + small.reduce((a, b) => a + b, 0);
    const buffer = new ArrayBuffer(total);
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer, 0, wordCount);
    let offset = wordCount * 4;
    const short = () => {
      const view = new Int16Array(buffer, offset, n);
      offset += n * 2;
      return view;
    };
    this.score = short();
    this.margin = short();
    this.reward = short();
    const views = small.map((length) => {
      const view = new Uint8Array(buffer, offset, length);
      offset += length;
      return view;
    });
    [this.scalars, this.hands, this.handSizes, this.placed, this.tray, this.fresh, this.copies, this.faceDown] = views;
    [this.orders, this.copiedOrders, this.freeWasabi, this.bound, this.freshMiso, this.fridge] = views.slice(8);
    [this.commit, this.pending, this.target, this.calls] = views.slice(14);
    [this.deck, this.reserve, this.discard, this.gone, this.queue, this.drawn] = views.slice(18);
  }

  get round(): number {
    return this.scalars[at.round];
  }

  /** Turns played this round. */
  get turn(): number {
    return this.scalars[at.turn];
  }

  get over(): boolean {
    return this.scalars[at.stage] === stage.over;
  }

  /** Where player p's hand lies in `hands`. */
  slot(player: number): number {
    const n = this.setup.players;
    return (player + 5 * n - this.scalars[at.turn]) % n;
  }

  /** Makes this state equal to another of the same set-up. */
  copyFrom(other: SushiState): this {
    this.bytes.set(other.bytes);
    return this;
  }

  clone(): SushiState {
    return new SushiState(this.setup).copyFrom(this);
  }
}

/** What the player is asked now; `phase.done` while others act. */
export function phaseOf(s: SushiState, player: number): number {
  const where = s.scalars[at.stage];
  if (where === stage.commit) return s.commit[player];
  return where === stage.queue && s.scalars[at.actor] === player ? s.scalars[at.phase] : phase.done;
}

/** Bit p is set when player p has to act; several bits are a simultaneous node. */
export function actingMask(s: SushiState): number {
  const where = s.scalars[at.stage];
  if (where === stage.queue) return 1 << s.scalars[at.actor];
  if (where === stage.over) return 0;
  let mask = 0;
  for (let p = 0; p < s.setup.players; p++) if (s.commit[p] !== phase.done) mask |= 1 << p;
  return mask;
}
