import { DraftwrightError } from "../../errors.ts";
import { parseGbnf } from "./gbnf.ts";
import { buildNetwork, type Network } from "./network.ts";

/** Where to go on when a rule ends, and what waits after that. */
interface Stack {
  readonly id: number;
  readonly back: number;
  readonly under: Stack | undefined;
}

interface Item {
  readonly place: number;
  readonly stack: Stack | undefined;
}

/** Together far more than honest grammars need. */
const limits = { items: 2000, work: 2_000_000, states: 20_000, stacks: 100_000 };

/**
 * A text's way through a grammar, byte by byte: a pushdown automaton made deterministic as far as it is walked. States are
 * immutable and shared, so a state may be kept, and left in several directions.
 */
export class ByteGrammar {
  readonly start: ByteState;
  readonly #network: Network;
  /** Bytes that no rule tells apart have the same class. */
  readonly classOf = new Uint8Array(256);
  /** One byte of each class, and how many there are. */
  readonly classes: { byte: number; size: number }[] = [];
  readonly #states = new Map<string, ByteState>();
  readonly #stacks = new Map<number, Stack>();
  #stackIds = 0;
  #work = 0;

  /** Throws "bad-argument", as `parseGbnf` and `buildNetwork` do. */
  constructor(gbnf: string, start = "root") {
    this.#network = buildNetwork(parseGbnf(gbnf), start);
    this.#findClasses();
    this.start = this.#close([{ place: this.#network.starts[0], stack: undefined }]) ?? this.#dead();
  }

  /** Gives the next steps, up to the next call, a limited time. */
  beginWork(): void {
    this.#work = 0;
    if (this.#states.size > limits.states || this.#stacks.size > limits.stacks) this.forget();
  }

  /** Frees what was found so far. States that are held elsewhere stay as they are; they find their neighbours anew. */
  forget(): void {
    for (const state of this.#states.values()) state.forget();
    this.#states.clear();
    this.#stacks.clear();
  }

  /** @internal */
  step(items: readonly Item[], byte: number): ByteState | undefined {
    const { places } = this.#network;
    const next: Item[] = [];
    for (const { place, stack } of items) {
      for (const { low, high, to } of places[place].edges)
        if (byte >= low && byte <= high) next.push({ place: to, stack });
    }
    return next.length === 0 ? undefined : this.#close(next);
  }

  /** The state of these items and all they reach without reading. */
  #close(items: Item[]): ByteState | undefined {
    const { places, starts } = this.#network;
    const seen = new Set<number>();
    const reading: { readonly key: number; readonly item: Item }[] = [];
    let accepting = false;
    const add = (place: number, stack: Stack | undefined) => {
      const key = place + (stack?.id ?? 0) * places.length;
      if (seen.has(key)) return;
      seen.add(key);
      if (seen.size > limits.items || ++this.#work > limits.work) {
        throw new DraftwrightError(
          "bad-argument",
          "The grammar can read a text in too many ways at once. Make its rules less ambiguous.",
        );
      }
      const item = { place, stack };
      const { edges, free, calls, end } = places[place];
      if (edges.length > 0) reading.push({ key, item });
      for (const next of free) add(next, stack);
      for (const { rule, back } of calls) add(starts[rule], places[back].tail ? stack : this.#push(back, stack));
      if (!end) return;
      if (stack === undefined) accepting = true;
      else add(stack.back, stack.under);
    };
    for (const { place, stack } of items) add(place, stack);
    if (reading.length === 0 && !accepting) return undefined;
    reading.sort((a, b) => a.key - b.key);
    const key = `${accepting}${reading.map((one) => one.key).join()}`;
    let state = this.#states.get(key);
    if (!state) {
      state = new ByteState(
        this,
        reading.map((one) => one.item),
        accepting,
      );
      this.#states.set(key, state);
    }
    return state;
  }

  #push(back: number, under: Stack | undefined): Stack {
    const key = back + (under?.id ?? 0) * this.#network.places.length;
    let stack = this.#stacks.get(key);
    if (!stack) {
      stack = { id: ++this.#stackIds, back, under };
      this.#stacks.set(key, stack);
    }
    return stack;
  }

  #findClasses(): void {
    const begins = new Uint8Array(257);
    begins[0] = 1;
    for (const { edges } of this.#network.places) {
      for (const { low, high } of edges) {
        begins[low] = 1;
        begins[high + 1] = 1;
      }
    }
    for (let byte = 0; byte < 256; byte++) {
      if (begins[byte]) this.classes.push({ byte, size: 0 });
      this.classOf[byte] = this.classes.length - 1;
      this.classes[this.classes.length - 1].size++;
    }
  }

  #dead(): ByteState {
    throw new DraftwrightError("bad-argument", 'The grammar\'s rule "root" matches nothing, not even an empty text.');
  }
}

/** What has been read so far, as far as it matters for what may follow. */
export class ByteState {
  /** The text may end here. */
  readonly accepting: boolean;
  /** What others keep with a state, dropped with its neighbours. */
  note: unknown;
  readonly #grammar: ByteGrammar;
  readonly #items: readonly Item[];
  #next: (ByteState | null | undefined)[];
  #onlyByte: number | undefined;

  constructor(grammar: ByteGrammar, items: readonly Item[], accepting: boolean) {
    this.#grammar = grammar;
    this.#items = items;
    this.accepting = accepting;
    this.#next = new Array(grammar.classes.length);
  }

  /** Nothing can follow. */
  get complete(): boolean {
    return this.accepting && this.#items.length === 0;
  }

  /** Undefined where no text of the grammar goes on with this byte. */
  step(byte: number): ByteState | undefined {
    const at = this.#grammar.classOf[byte];
    let next = this.#next[at];
    if (next === undefined) {
      next = this.#grammar.step(this.#items, byte) ?? null;
      this.#next[at] = next;
    }
    return next ?? undefined;
  }

  /** The byte that must follow; -1 where there is a choice, the end being one. */
  get onlyByte(): number {
    this.#onlyByte ??= this.#findOnlyByte();
    return this.#onlyByte;
  }

  #findOnlyByte(): number {
    if (this.accepting) return -1;
    let only = -1;
    for (const { byte, size } of this.#grammar.classes) {
      if (!this.step(byte)) continue;
      if (only >= 0 || size > 1) return -1;
      only = byte;
    }
    return only;
  }

  /** @internal */
  forget(): void {
    this.#next = new Array(this.#grammar.classes.length);
    this.note = undefined;
  }
}
