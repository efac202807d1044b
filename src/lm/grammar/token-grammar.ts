import { DraftwrightError } from "../../errors.ts";
import { ByteGrammar, type ByteState } from "./byte-grammar.ts";
import { buildTrie, type TokenTrie } from "./token-trie.ts";

/** What a grammar needs to know of a tokenizer. */
export interface TokenPieces {
  readonly vocabSize: number;
  /** Tokens that end a text. */
  readonly endOfGeneration: readonly number[];
  /** The bytes of a token; control tokens have none. */
  pieceBytes(token: number): Uint8Array;
}

/** A vocabulary made ready for any number of grammars. */
export class GrammarVocabulary {
  readonly pieces: readonly Uint8Array[];
  readonly trie: TokenTrie;
  readonly ends: ReadonlySet<number>;

  constructor(tokenizer: TokenPieces) {
    this.ends = new Set(tokenizer.endOfGeneration);
    this.pieces = Array.from({ length: tokenizer.vocabSize }, (_, token) =>
      this.ends.has(token) ? new Uint8Array(0) : tokenizer.pieceBytes(token),
    );
    this.trie = buildTrie(this.pieces);
  }
}

/** Memory that the sets of allowed tokens of one grammar may hold. */
const mostMaskBytes = 32 * 2 ** 20;

/** A grammar over the tokens of one vocabulary. Shared between texts. */
export class TokenGrammar {
  readonly vocabulary: GrammarVocabulary;
  readonly bytes: ByteGrammar;
  readonly start: GrammarState;
  readonly #onPath: (ByteState | undefined)[];
  #masks = 0;

  /** `start`: the rule that is a whole text. Throws "bad-argument" for a grammar in GBNF that is wrong. */
  constructor(gbnf: string, vocabulary: GrammarVocabulary, start?: string) {
    this.vocabulary = vocabulary;
    this.bytes = new ByteGrammar(gbnf, start);
    this.#onPath = new Array(vocabulary.trie.deepest + 1);
    this.start = new GrammarState(this, this.bytes.start, false);
  }

  /** Bit set [vocab]: tokens that may follow, none of those that end the text. Kept with the state. */
  allowed(state: ByteState): Uint32Array {
    if (!state.note) {
      const words = Math.ceil(this.vocabulary.pieces.length / 32);
      if (++this.#masks * words * 4 > mostMaskBytes) {
        this.bytes.forget();
        this.#masks = 1;
      }
      state.note = this.#find(state, new Uint32Array(words));
    }
    return state.note as Uint32Array;
  }

  #find(state: ByteState, bits: Uint32Array): Uint32Array {
    this.bytes.beginWork();
    const { byte, depth, after, tokens, ids } = this.vocabulary.trie;
    const onPath = this.#onPath;
    onPath[0] = state;
    for (let node = 1; node < byte.length; ) {
      const next = (onPath[depth[node] - 1] as ByteState).step(byte[node]);
      if (!next) {
        node = after[node];
        continue;
      }
      onPath[depth[node]] = next;
      for (let i = tokens[node]; i < tokens[node + 1]; i++) bits[ids[i] >> 5] |= 1 << (ids[i] & 31);
      node++;
    }
    return bits;
  }
}

/** Where a text stands in a grammar. Immutable: the states of a draft tree are found along its paths. */
export class GrammarState {
  readonly #grammar: TokenGrammar;
  readonly #state: ByteState;
  /** The end of the text has been written. */
  readonly #ended: boolean;

  constructor(grammar: TokenGrammar, state: ByteState, ended: boolean) {
    this.#grammar = grammar;
    this.#state = state;
    this.#ended = ended;
  }

  /** The text is whole and nothing can follow it. */
  get complete(): boolean {
    return this.#ended || this.#state.complete;
  }

  /** The text may end here. */
  get accepting(): boolean {
    return this.#ended || this.#state.accepting;
  }

  /** Undefined where the grammar forbids the token. */
  advance(token: number): GrammarState | undefined {
    const { pieces, ends } = this.#grammar.vocabulary;
    if (this.#ended) return undefined;
    if (ends.has(token)) return this.accepting ? new GrammarState(this.#grammar, this.#state, true) : undefined;
    let state: ByteState | undefined = this.#state;
    const piece = pieces[token];
    if (!piece || piece.length === 0) return undefined;
    this.#grammar.bytes.beginWork();
    for (let i = 0; state && i < piece.length; i++) state = state.step(piece[i]);
    return state && new GrammarState(this.#grammar, state, false);
  }

  /**
   * Sets the logits [vocab] of forbidden tokens to -Infinity. After the end, and where only an end could follow that the
   * vocabulary does not have, nothing is changed. Throws "bad-argument" when no token can go on with an unfinished text.
   */
  mask(logits: Float32Array): void {
    if (this.#ended) return;
    const { ends } = this.#grammar.vocabulary;
    const bits = this.#grammar.allowed(this.#state);
    const kept = this.accepting ? [...ends].map((token) => [token, logits[token]] as const) : [];
    if (kept.length === 0 && bits.every((word) => word === 0)) {
      if (this.complete) return;
      throw new DraftwrightError(
        "bad-argument",
        "The grammar asks for characters that no token of this model can write. Allow others.",
      );
    }
    bits.forEach((word, i) => {
      if (word === 0xffffffff) return;
      const from = i * 32;
      if (word === 0) logits.fill(Number.NEGATIVE_INFINITY, from, from + 32);
      else for (let bit = 0; bit < 32; bit++) if (!((word >>> bit) & 1)) logits[from + bit] = Number.NEGATIVE_INFINITY;
    });
    for (const [token, logit] of kept) logits[token] = logit;
  }

  /**
   * Tokens that write what must follow, longest first: while the grammar leaves one byte, or `guess` knows one for a state
   * that leaves more, at most `most` tokens.
   */
  likelyTokens(most: number, guess: (state: object) => number | undefined): number[] {
    const { trie } = this.#grammar.vocabulary;
    const tokens: number[] = [];
    if (this.#ended) return tokens;
    this.#grammar.bytes.beginWork();
    let state = this.#state;
    while (tokens.length < most) {
      // The longest token along the bytes that are certain.
      let node = 0;
      let at: ByteState | undefined = state;
      let best: { readonly token: number; readonly state: ByteState } | undefined;
      for (;;) {
        const byte: number = at.onlyByte >= 0 ? at.onlyByte : (guess(at) ?? -1);
        if (byte < 0) break;
        at = at.step(byte);
        node = childOf(trie, node, byte);
        if (!at || node < 0) break;
        if (trie.tokens[node] < trie.tokens[node + 1]) best = { token: trie.ids[trie.tokens[node]], state: at };
      }
      if (!best) break;
      tokens.push(best.token);
      state = best.state;
    }
    return tokens;
  }

  /** Visits the states inside a token with the byte that was written there. */
  visit(token: number, seen: (state: object, byte: number) => void): void {
    let state: ByteState | undefined = this.#state;
    for (const byte of this.#grammar.vocabulary.pieces[token] ?? []) {
      if (!state) return;
      seen(state, byte);
      state = state.step(byte);
    }
  }
}

/** Child of a node by its byte, or -1. */
function childOf(trie: TokenTrie, node: number, byte: number): number {
  const end = trie.after[node];
  for (let child = node + 1; child < end; child = trie.after[child]) {
    if (trie.byte[child] === byte) return child;
    if (trie.byte[child] > byte) return -1;
  }
  return -1;
}
