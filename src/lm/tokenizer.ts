// Text to tokens and back: libllama's vocabulary of the model's file, and an identity by which tables made of token ids
// recognise the vocabulary they were made with.
import { type GgufFile, Vocabulary } from "../ggml/index.ts";
import { refuseLongRuns } from "./config/pre-tokenizers.ts";
import { vocabularyHash } from "./vocabulary-hash.ts";

/** Owns native memory: dispose it. */
export class Tokenizer {
  /** SHA-256 over everything that decides token ids: equal hashes mean interchangeable ids. */
  readonly hash: string;
  readonly vocabSize: number;
  /** Token ids; -1 where the vocabulary has none. */
  readonly bos: number;
  readonly eos: number;
  readonly addsBos: boolean;
  /** Tokens that end a generation, ascending. */
  readonly endOfGeneration: readonly number[];
  /** Names of the control tokens, as templates write them. */
  readonly controlTexts: ReadonlyMap<number, string>;
  readonly #vocabulary: Vocabulary;
  /** Name of the BPE pre-tokenizer; undefined for SentencePiece vocabularies, which have none. */
  readonly #preTokenizer: string | undefined;
  /** Bytes of tokens already asked for. */
  readonly #pieces = new Map<number, Uint8Array>();

  /** `gguf` must have passed checkVocabulary, which refuses what would make libllama abort. */
  constructor(gguf: GgufFile) {
    this.#vocabulary = new Vocabulary(gguf.path);
    this.hash = vocabularyHash(gguf);
    if (gguf.metadata.string("tokenizer.ggml.model") === "gpt2") {
      this.#preTokenizer = gguf.metadata.string("tokenizer.ggml.pre") ?? "default";
    }
    this.vocabSize = this.#vocabulary.size;
    this.bos = this.#vocabulary.bos;
    this.eos = this.#vocabulary.eos;
    this.addsBos = this.#vocabulary.addsBos;
    const ends: number[] = [];
    const controls = new Map<number, string>();
    for (let token = 0; token < this.vocabSize; token++) {
      if (this.#vocabulary.isEndOfGeneration(token)) ends.push(token);
      if (!this.#vocabulary.isControl(token)) continue;
      controls.set(token, new TextDecoder().decode(this.#vocabulary.pieceBytes(token, true)));
    }
    this.endOfGeneration = ends;
    this.controlTexts = controls;
  }

  isEndOfGeneration(token: number): boolean {
    return this.#vocabulary.isEndOfGeneration(token);
  }

  /**
   * Token ids of a text. `addSpecial` puts the beginning-of-text token first where the model wants one; `parseSpecial`
   * reads control tokens written in the text: for chat templates, never for text that a user typed. Throws
   * `bad-argument` for a text on which this vocabulary's pre-tokenizer would exhaust the stack.
   */
  encode(text: string, options: { addSpecial?: boolean; parseSpecial?: boolean } = {}): Int32Array {
    if (this.#preTokenizer !== undefined) refuseLongRuns(this.#preTokenizer, text);
    return this.#vocabulary.encode(text, options);
  }

  /** Bytes a token stands for, possibly part of a UTF-8 sequence; control tokens have none. Do not change the array. */
  pieceBytes(token: number): Uint8Array {
    let piece = this.#pieces.get(token);
    if (!piece) {
      piece = this.#vocabulary.pieceBytes(token);
      this.#pieces.set(token, piece);
    }
    return piece;
  }

  /** The text of tokens; incomplete UTF-8 becomes U+FFFD. */
  decode(tokens: ArrayLike<number>): string {
    const decoder = new TextDecoder();
    let text = "";
    for (let i = 0; i < tokens.length; i++) text += decoder.decode(this.pieceBytes(tokens[i]), { stream: true });
    return text + decoder.decode();
  }

  [Symbol.dispose](): void {
    this.#vocabulary[Symbol.dispose]();
  }
}
