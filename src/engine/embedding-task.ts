import { DraftwrightError } from "../errors.ts";
import { chainBatch, type Sequence } from "../lm/model.ts";
import { encodePrompt, openSequence } from "./generation-task.ts";
import type { PrefixCache } from "./prefix-cache.ts";
import type { Embedded, FromHost } from "./protocol.ts";
import type { WirePrompt } from "./request.ts";
import type { EngineModel } from "./runtime.ts";
import type { Task } from "./scheduler.ts";
import { toWire } from "./wire-error.ts";

/** Rows per turn, as in prefills. */
const chunkRows = 128;

/**
 * Vectors of texts: the mean of each text's hidden states after the final norm (llama.cpp's mean pooling), scaled to
 * length 1. A chunk of one text per turn.
 */
export class EmbeddingTask implements Task {
  readonly #id: number;
  readonly #target: EngineModel;
  readonly #texts: readonly Int32Array[];
  readonly #cache: PrefixCache;
  readonly #send: (message: FromHost) => void;
  readonly #done: Float32Array[] = [];
  #sequence: Sequence | undefined;
  #sum: Float64Array;

  /** Throws `bad-argument` (an empty text) and `context-overflow`. */
  constructor(
    id: number,
    target: EngineModel,
    prompts: readonly WirePrompt[],
    cache: PrefixCache,
    send: (message: FromHost) => void,
  ) {
    this.#id = id;
    this.#cache = cache;
    this.#target = target;
    this.#send = send;
    this.#texts = prompts.map((prompt, i) => checked(encodePrompt(target, prompt), i, target.model.contextLength));
    this.#sum = new Float64Array(target.model.hiddenSize);
  }

  readonly scope = "";

  /** Never none while it runs: it takes no part in rounds. */
  get rowsLeft(): number {
    const left = this.#texts.slice(this.#done.length).reduce((sum, text) => sum + text.length, 0);
    return Math.max(1, left - (this.#sequence?.length ?? 0));
  }

  start(): boolean {
    const rows = Math.max(1, ...this.#texts.map((text) => text.length));
    this.#sequence = openSequence(this.#target, rows, this.#cache);
    return this.#sequence !== undefined;
  }

  step(): boolean {
    const text = this.#texts[this.#done.length];
    if (text) this.#chunk(this.#sequence as Sequence, text);
    if (this.#done.length < this.#texts.length) return false;
    const tokens = this.#texts.reduce((sum, one) => sum + one.length, 0);
    this.#send({ type: "reply", id: this.#id, value: { embeddings: this.#done, tokens } satisfies Embedded });
    return true;
  }

  close(): void {
    this.#sequence?.close();
  }

  fail(error: unknown): void {
    this.#send({ type: "error", id: this.#id, error: toWire(error) });
  }

  #chunk(sequence: Sequence, text: Int32Array): void {
    const { model } = this.#target;
    const layer = model.layerCount + 1;
    const part = text.subarray(sequence.length, sequence.length + chunkRows);
    const wantHidden = { layers: [layer], rows: new Uint8Array(part.length).fill(1) };
    const result = model.forward({ ...chainBatch(sequence, part, "none"), wantHidden });
    for (let row = 0; row < part.length; row++) {
      const hidden = result.hidden(row, layer);
      for (let i = 0; i < hidden.length; i++) this.#sum[i] += hidden[i];
    }
    sequence.compact(Int32Array.from(part.keys()));
    if (sequence.length < text.length) return;
    // The mean has the direction of the sum.
    const length = Math.hypot(...this.#sum);
    this.#done.push(Float32Array.from(this.#sum, (value) => (length > 0 ? value / length : 0)));
    this.#sum.fill(0);
    sequence.truncate(0);
  }
}

function checked(text: Int32Array, index: number, contextLength: number): Int32Array {
  if (text.length === 0) {
    throw new DraftwrightError("bad-argument", `Text ${index} is empty: leave it out, or write something.`);
  }
  if (text.length > contextLength) {
    throw new DraftwrightError(
      "context-overflow",
      `Text ${index} has ${text.length} tokens and the context holds ${contextLength}. Shorten it.`,
    );
  }
  return text;
}
