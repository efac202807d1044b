import type { ForwardResult, LanguageModel, Sequence } from "../../lm/model.ts";
import { chainBatch } from "../../lm/model.ts";
import { likeliest } from "../drafters/likeliest.ts";
import { type Guess, GuessTree } from "./guess-tree.ts";
import { HashedText } from "./hashed-text.ts";
import type { SentGuess, ToDraftSide } from "./messages.ts";
import { defaultAhead, dividing, mostSequences, sequenceCount } from "./sequences.ts";

/** Tokens of the text per forward: news is looked at in between. */
const chunkRows = 256;
/** Pending rows that are kept before the likeliest path is committed and the others are dropped. */
const mostPending = 48;
/** Candidates after each token that are offered, the likeliest and the runner-up; and those that may begin a sequence. */
const offered = 2;

/** Where the keys and values of a guess are: pending row 0, 1, .., or one of these. */
const Row = { none: -1, lastCommitted: -2, committed: -3 } as const;

interface Run {
  readonly id: number;
  readonly parent: Guess<Run> | undefined;
  /** Of the token in the text. */
  readonly position: number;
  row: number;
  /** Likeliest tokens after it, once its row was run. */
  next?: { readonly tokens: number[]; readonly probabilities: number[] };
}

type Plan = Pick<Extract<ToDraftSide, { kind: "plan" }>, "length" | "depth" | "ahead" | "sequences">;

/** What one forward gave. */
export interface Step {
  readonly epoch: number;
  /** Tokens of the text after which the guesses of this epoch begin. */
  readonly base: number;
  readonly width: number;
  readonly sequences: number;
  readonly guesses: readonly SentGuess[];
}

/**
 * The drafter's side of one text: drafts on and on from its own guesses, a forward at a time, while the target verifies
 * earlier ones. The sequences it drafts side by side are rows of the same forward. When the text goes another way than
 * guessed, their rows are dropped and drafting starts anew after it.
 */
export class DraftAhead {
  readonly text: HashedText;
  readonly #model: LanguageModel;
  readonly #sequence: Sequence;
  /** Tokens of the committed rows, guesses included. */
  readonly #held: Int32Array;
  #tree: GuessTree<Run> | undefined;
  /** Guesses that the text has passed and whose rows are not committed; the last one may have none yet. */
  #passed: Guess<Run>[] = [];
  /** Whose row is the last committed one. */
  #end: Run = { id: -1, parent: undefined, position: -1, row: Row.lastCommitted };
  #plan: Plan = { length: 0, depth: 0, ahead: defaultAhead, sequences: mostSequences };
  #epoch = 0;
  #base = 0;
  #lastId = 0;

  /** `rows`: tokens that the text may come to hold. Throws "out-of-memory" when the model has no room for a sequence. */
  constructor(model: LanguageModel, rows: number) {
    this.#model = model;
    this.text = new HashedText(rows);
    this.#sequence = model.open({ rows: Math.min(model.contextLength, rows) });
    this.#held = new Int32Array(this.#sequence.capacity);
  }

  plan(plan: Plan): void {
    this.#plan = plan;
  }

  /** The text has changed. `from`: up to here it is what it was. */
  changed(from: number): void {
    if (!this.#tree) return;
    if (
      from < this.#tree.length ||
      !this.#tree.follow(this.text.tokens, this.text.length, (guess) => this.#passed.push(guess))
    )
      this.#restart();
  }

  /** One forward at most; undefined when there is nothing to do until the text or the plan changes. */
  step(): Step | undefined {
    const { length } = this.text;
    if (length === 0 || length > this.#sequence.capacity) return undefined;
    return this.#tree ? this.#grow(this.#tree) : this.#read(length);
  }

  close(): void {
    this.#sequence.close();
  }

  /** Runs what the cache lacks of the text; its last token begins an epoch of guesses. */
  #read(length: number): Step {
    const { tokens } = this.text;
    const from = this.#sequence.length;
    const rows = Math.min(chunkRows, length - from);
    const last = from + rows === length;
    const result = this.#model.forward(
      chainBatch(this.#sequence, tokens.subarray(from, from + rows), last ? "last" : "none"),
    );
    this.#sequence.compact(Int32Array.from({ length: rows }, (_, i) => i));
    this.#held.set(tokens.subarray(from, from + rows), from);
    const guesses: SentGuess[] = [];
    if (last) {
      this.#epoch++;
      this.#base = length;
      this.#end = { id: -1, parent: undefined, position: length - 1, row: Row.lastCommitted };
      this.#tree = new GuessTree(length, this.#end);
      this.#expand(this.#tree.root, result.logits(rows - 1), guesses);
    }
    return { epoch: this.#epoch, base: this.#base, width: rows, sequences: 1, guesses };
  }

  #grow(tree: GuessTree<Run>): Step | undefined {
    const sequence = this.#sequence;
    const room = Math.min(mostPending, sequence.capacity - sequence.length);
    if (sequence.pending > 0 && sequence.pending + mostSequences > room) this.#commit(tree);
    const guesses: SentGuess[] = [];
    const { ends, sequences } = this.#ends(tree, guesses);
    const fits = sequence.length + sequence.pending + ends.length <= sequence.capacity;
    const width = fits ? ends.length : 0;
    if (width > 0) {
      const result = this.#run(ends);
      for (const [i, end] of ends.entries()) this.#expand(end, result.logits(i), guesses);
    }
    // What begins a sequence is told even if there is nothing to run yet.
    if (width === 0 && guesses.length === 0) return undefined;
    return { epoch: this.#epoch, base: this.#base, width, sequences, guesses };
  }

  /** The guesses to run: the ends of the sequences that are still too short. */
  #ends(tree: GuessTree<Run>, guesses: SentGuess[]): { ends: Guess<Run>[]; sequences: number } {
    const { length, depth, ahead, sequences: most } = this.#plan;
    let anchor = tree.root;
    let left = length === tree.length ? depth : 0;
    for (const guess of tree.likeliest()) {
      if (left-- <= 0 || !isRun(anchor)) break;
      anchor = guess;
    }
    if (!isRun(anchor)) return { ends: [anchor], sequences: 1 };
    const sequences = this.#sequences(anchor, ahead, most, guesses);
    const ends: Guess<Run>[] = [];
    for (const first of anchor.children.slice(0, sequences)) {
      let end = first;
      let count = 1;
      for (const guess of tree.likeliest(first)) {
        end = guess;
        count++;
      }
      if (count * sequences < ahead && !isRun(end) && canFollow(end)) ends.push(end);
    }
    return { ends, sequences };
  }

  /** How many sequences begin after a guess that was run; makes the guesses that begin them. */
  #sequences(anchor: Guess<Run>, ahead: number, most: number, guesses: SentGuess[]): number {
    const { next, row } = anchor.data;
    const second = anchor.children[0]?.data.next;
    if (!next || !second || row === Row.committed) return 1;
    const count = dividing(ahead, sequenceCount(next.probabilities, second.probabilities[0], most));
    for (let i = anchor.children.length; i < count; i++) this.#guess(anchor, i, guesses);
    return count;
  }

  #run(ends: readonly Guess<Run>[]): ForwardResult {
    const sequence = this.#sequence;
    const first = sequence.pending;
    const result = this.#model.forward({
      sequence: new Int32Array(ends.length).fill(sequence.id),
      token: Int32Array.from(ends, ({ token }) => token),
      parent: Int32Array.from(ends, ({ data }) => Math.max(-1, data.parent?.data.row ?? -1)),
      position: Int32Array.from(ends, ({ data }) => data.position),
      wantLogits: new Uint8Array(ends.length).fill(1),
    });
    for (const [i, { data }] of ends.entries()) data.row = first + i;
    return result;
  }

  #expand(guess: Guess<Run>, logits: Float32Array, guesses: SentGuess[]): void {
    guess.data.next = likeliest(logits, Math.min(mostSequences, logits.length));
    for (let i = guess.children.length; i < Math.min(offered, guess.data.next.tokens.length); i++) {
      this.#guess(guess, i, guesses);
    }
  }

  #guess(parent: Guess<Run>, rank: number, guesses: SentGuess[]): void {
    const { tokens, probabilities } = parent.data.next as NonNullable<Run["next"]>;
    const data: Run = { id: ++this.#lastId, parent, position: parent.data.position + 1, row: Row.none };
    const guess = { token: tokens[rank], probability: probabilities[rank], children: [], data };
    parent.children.push(guess);
    guesses.push({ id: data.id, parent: parent.data.id, token: guess.token, probability: guess.probability });
  }

  /**
   * Commits the rows of the path that the text took and of the likeliest sequence after it, which may be dropped again.
   * Other sequences end here.
   */
  #commit(tree: GuessTree<Run>): void {
    const path = this.#passed.filter(isPending);
    let last = tree.root;
    for (const guess of tree.likeliest()) {
      if (!isRun(guess)) break;
      last.children.length = 1;
      last = guess;
      if (isPending(guess)) path.push(guess);
    }
    last.children.splice(0, last.children.length, ...last.children.filter((guess) => !isRun(guess)));
    this.#compact(path);
    this.#passed = isRun(tree.root) || tree.root.data === this.#end ? [] : [tree.root];
    const end = path.at(-1)?.data;
    if (!end) return;
    this.#end.row = Row.committed;
    for (const { data } of path) data.row = Row.committed;
    end.row = Row.lastCommitted;
    this.#end = end;
  }

  /** The text is not what was guessed: keeps the rows that are of use to it. */
  #restart(): void {
    this.#compact(this.#passed.filter(isPending));
    this.#passed = [];
    this.#tree = undefined;
    const { tokens, length } = this.text;
    const most = Math.min(this.#sequence.length, length - 1);
    let common = 0;
    while (common < most && this.#held[common] === tokens[common]) common++;
    this.#sequence.truncate(Math.max(0, common));
  }

  #compact(path: readonly Guess<Run>[]): void {
    this.#held.set(
      path.map(({ token }) => token),
      this.#sequence.length,
    );
    this.#sequence.compact(path.map(({ data }) => data.row));
  }
}

const isPending = ({ data }: Guess<Run>): boolean => data.row >= 0;
const isRun = ({ data }: Guess<Run>): boolean => data.row !== Row.none;

/** Whether its parent's row is one that a new row can follow. */
const canFollow = ({ data }: Guess<Run>): boolean => {
  const row = data.parent?.data.row ?? Row.none;
  return row >= 0 || row === Row.lastCommitted;
};
