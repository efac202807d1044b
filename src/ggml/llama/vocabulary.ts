// A model's vocabulary through libllama's vocab-only load, so that tokenization is exactly llama.cpp's.
import { DraftwrightError } from "../../errors.ts";
import type { Pointer } from "../native.ts";
import { llama } from "./api.ts";

/** `llama_token_attr`. */
const unknownAttribute = 1;
const controlAttribute = 8;

/** Owns native memory: dispose it. The file must have passed the checks of lm/config first: libllama trusts it more than we do. */
export class Vocabulary {
  readonly size: number;
  /** Token ids; -1 where the vocabulary has none. */
  readonly bos: number;
  readonly eos: number;
  readonly addsBos: boolean;
  #model: Pointer;
  #vocab: Pointer;
  #piece = new Uint8Array(256);

  constructor(path: string) {
    const l = llama();
    const model = l.loadModel(path, { ...l.modelDefaults(), vocabOnly: true, nGpuLayers: 0 });
    if (!model) {
      throw new DraftwrightError(
        "bad-model",
        `libllama cannot read the vocabulary of ${path}; set DRAFTWRIGHT_NATIVE_LOG=1 to see why`,
      );
    }
    this.#model = model;
    this.#vocab = l.vocab(model);
    this.size = l.vocabSize(this.#vocab);
    this.bos = l.bos(this.#vocab);
    this.eos = l.eos(this.#vocab);
    this.addsBos = l.addsBos(this.#vocab);
  }

  /** Tokens that end a generation (end of text, of turn, ..). */
  isEndOfGeneration(token: number): boolean {
    return llama().isEog(this.#vocab, this.#check(token));
  }

  /** Control and unknown tokens: read in a text only with `parseSpecial`. */
  isControl(token: number): boolean {
    return (llama().attributes(this.#vocab, this.#check(token)) & (unknownAttribute | controlAttribute)) !== 0;
  }

  /**
   * Token ids of a text. `addSpecial` puts the beginning-of-text token first where the model wants one; `parseSpecial`
   * reads control tokens written in the text (chat templates do; user text must not).
   */
  encode(text: string, options: { addSpecial?: boolean; parseSpecial?: boolean } = {}): Int32Array {
    const bytes = new TextEncoder().encode(text);
    // A token covers at least one byte, but for BOS, EOS and a space that some vocabularies put first.
    let tokens = new Int32Array(bytes.length + 8);
    const run = () =>
      llama().tokenize(
        this.#live(),
        bytes,
        bytes.length,
        tokens,
        tokens.length,
        options.addSpecial ?? false,
        options.parseSpecial ?? false,
      );
    let count = run();
    if (count < 0) {
      tokens = new Int32Array(-count);
      count = run();
    }
    if (count < 0)
      throw new DraftwrightError("internal", `the tokenizer gave no result for a text of ${bytes.length} bytes`);
    return tokens.slice(0, count);
  }

  /** Bytes a token stands for; they may be part of a UTF-8 sequence. Control tokens are shown only with `special`. */
  pieceBytes(token: number, special = false): Uint8Array {
    const id = this.#check(token);
    let length = llama().piece(this.#vocab, id, this.#piece, this.#piece.length, 0, special);
    if (length < 0) {
      this.#piece = new Uint8Array(-length);
      length = llama().piece(this.#vocab, id, this.#piece, this.#piece.length, 0, special);
    }
    return this.#piece.slice(0, Math.max(0, length));
  }

  #live(): Pointer {
    if (!this.#model) throw new DraftwrightError("disposed", "this vocabulary was disposed");
    return this.#vocab;
  }

  #check(token: number): number {
    this.#live();
    if (!Number.isInteger(token) || token < 0 || token >= this.size) {
      throw new DraftwrightError("bad-argument", `token ${token} is outside of the vocabulary (0..${this.size - 1})`);
    }
    return token;
  }

  [Symbol.dispose](): void {
    if (this.#model) llama().freeModel(this.#model);
    this.#model = 0n;
  }
}
