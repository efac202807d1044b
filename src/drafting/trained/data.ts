// Training data of heads, made by the target itself: its texts, its features in half precision, its likeliest next tokens.
import { setImmediate } from "node:timers/promises";

import { DraftwrightError } from "../../errors.ts";
import { openGguf, writeGguf } from "../../ggml/gguf/index.ts";
import { type GgufTensorSource, type MetadataValue, Type, tensorType } from "../../ggml/index.ts";
import type { LanguageModel, Sequence } from "../../lm/model.ts";
import { chainBatch } from "../../lm/model.ts";
import { Random } from "../../nn/index.ts";
import { likeliest } from "../drafters/likeliest.ts";
import { featureOf, type TargetParts } from "./target-parts.ts";

/** Likeliest tokens stored of each row. */
export const TOP = 8;

/** Texts one after the other. Row i: the token, the feature there, and what the target would say next. */
export interface HeadData {
  readonly targetHash: string;
  readonly hiddenSize: number;
  readonly tokens: Int32Array<ArrayBuffer>;
  /** First row of each text. */
  readonly starts: Int32Array<ArrayBuffer>;
  /** Bits of half floats [rows, hiddenSize]. */
  readonly features: Uint16Array<ArrayBuffer>;
  /** [rows, TOP]: tokens, best first, and their probabilities. */
  readonly top: Int32Array<ArrayBuffer>;
  readonly chances: Float32Array<ArrayBuffer>;
}

export interface CollectOptions {
  readonly model: LanguageModel;
  readonly target: TargetParts;
  /** Beginnings that the target continues. */
  readonly prompts: readonly Int32Array[];
  /** Tokens of a text, its prompt included. */
  readonly length: number;
  /** Texts in all. */
  readonly texts: number;
  /** Taken in turn, one a text; 0: greedy. */
  readonly temperatures: readonly number[];
  readonly stopTokens: ReadonlySet<number>;
  readonly seed: number;
  /** Texts side by side. Default 16. */
  readonly batch?: number;
  readonly signal?: AbortSignal;
  readonly onText?: (done: number, tokens: number) => void;
}

/** Lets the target write texts and notes what heads learn from. */
export async function collect(options: CollectOptions): Promise<HeadData> {
  const { model, target, prompts, texts, batch = 16 } = options;
  const random = new Random(options.seed);
  const done: Text[] = [];
  for (let at = 0; at < texts && !options.signal?.aborted; at += batch) {
    // Gives signals their turn.
    await setImmediate();
    const chosen = Array.from({ length: Math.min(batch, texts - at) }, () => prompts[random.integer(prompts.length)]);
    done.push(...writeTexts(options, chosen, random));
    options.onText?.(
      done.length,
      done.reduce((sum, text) => sum + text.tokens.length, 0),
    );
  }
  return join(
    target,
    done.filter((text) => text.features.length > 1),
    model.hiddenSize,
  );
}

interface Text {
  readonly sequence: Sequence;
  readonly tokens: number[];
  readonly features: Uint16Array[];
  readonly top: { tokens: number[]; probabilities: number[] }[];
  readonly temperature: number;
  next: number;
}

function writeTexts(options: CollectOptions, prompts: readonly Int32Array[], random: Random): Text[] {
  const { model, target, length, temperatures, stopTokens } = options;
  const layers = [target.layerCount];
  const note = (text: Text, token: number, logits: Float32Array, hidden: Float32Array) => {
    text.tokens.push(token);
    text.features.push(toHalf(featureOf(hidden, target)));
    const top = likeliest(logits, Math.min(TOP, logits.length));
    text.top.push(top);
    text.next = text.temperature === 0 ? top.tokens[0] : draw(logits, text.temperature, random);
  };
  const texts = prompts.map((prompt, i): Text => {
    const sequence = model.open({ rows: Math.min(length, model.contextLength) });
    const temperature = temperatures[i % temperatures.length];
    const text: Text = { sequence, tokens: [], features: [], top: [], temperature, next: 0 };
    const rows = prompt.subarray(0, Math.min(prompt.length, sequence.capacity - 1));
    const chain = chainBatch(sequence, rows, "all");
    const result = model.forward({ ...chain, wantHidden: { layers, rows: new Uint8Array(rows.length).fill(1) } });
    for (const [i, token] of rows.entries()) note(text, token, result.logits(i), result.hidden(i, layers[0]));
    sequence.compact(Array.from(rows.keys()));
    return text;
  });
  let live = texts;
  while (true) {
    live = live.filter(({ next, sequence }) => !stopTokens.has(next) && sequence.length < sequence.capacity);
    if (live.length === 0) break;
    const result = model.forward({
      sequence: Int32Array.from(live, ({ sequence }) => sequence.id),
      token: Int32Array.from(live, ({ next }) => next),
      parent: new Int32Array(live.length).fill(-1),
      position: Int32Array.from(live, ({ sequence }) => sequence.length),
      wantLogits: new Uint8Array(live.length).fill(1),
      wantHidden: { layers, rows: new Uint8Array(live.length).fill(1) },
    });
    for (const [i, text] of live.entries()) note(text, text.next, result.logits(i), result.hidden(i, layers[0]));
    for (const { sequence } of live) sequence.compact([0]);
  }
  for (const { sequence } of texts) sequence.close();
  return texts;
}

function draw(logits: Float32Array, temperature: number, random: Random): number {
  const max = logits.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  const weights = Float64Array.from(logits, (x) => {
    const weight = Math.exp((x - max) / temperature);
    sum += weight;
    return weight;
  });
  let left = random.uniform() * sum;
  for (let i = 0; i < weights.length; i++) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return weights.length - 1;
}

function join(target: TargetParts, texts: readonly Text[], hiddenSize: number): HeadData {
  const rows = texts.reduce((sum, text) => sum + text.tokens.length, 0);
  const data: HeadData = {
    targetHash: target.hash,
    hiddenSize,
    tokens: new Int32Array(rows),
    starts: new Int32Array(texts.length),
    features: new Uint16Array(rows * hiddenSize),
    top: new Int32Array(rows * TOP),
    chances: new Float32Array(rows * TOP),
  };
  let at = 0;
  for (const [t, text] of texts.entries()) {
    data.starts[t] = at;
    for (const [i, token] of text.tokens.entries()) {
      data.tokens[at] = token;
      data.features.set(text.features[i], at * hiddenSize);
      data.top.set(text.top[i].tokens, at * TOP);
      data.chances.set(text.top[i].probabilities, at * TOP);
      at++;
    }
  }
  return data;
}

/** The `count` tokens that the target says most often. */
export function commonTokens({ top, tokens }: HeadData, count: number): Int32Array {
  const said = new Map<number, number>();
  for (let row = 0; row < tokens.length; row++) said.set(top[row * TOP], (said.get(top[row * TOP]) ?? 0) + 1);
  const order = [...said].sort(([a, m], [b, n]) => n - m || a - b);
  return Int32Array.from(order.slice(0, count).map(([token]) => token)).sort();
}

const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** Half precision, rounded to nearest; numbers too small become 0, too large the largest. */
export function toHalf(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    floats[0] = value;
    const sign = (bits[0] >>> 16) & 0x8000;
    const rounded = (bits[0] & 0x7fffffff) + 0x1000;
    const exponent = (rounded >>> 23) - 112;
    if (exponent <= 0) return sign;
    if (exponent >= 31) return sign | 0x7bff;
    return sign | (exponent << 10) | ((rounded >>> 13) & 0x3ff);
  });
}

/** Writes `halves` as floats into `out` from `at` on. */
export function fromHalf(halves: Uint16Array, out: Float32Array, at: number): void {
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const exponent = (half >>> 10) & 31;
    const size = exponent === 0 ? (half & 0x3ff) * 2 ** -24 : (1 + (half & 0x3ff) / 1024) * 2 ** (exponent - 15);
    out[at + i] = half & 0x8000 ? -size : size;
  }
}

const TARGET = "draftwright.head-data.target";

export function saveHeadData(path: string, data: HeadData): void {
  const raw = (array: ArrayBufferView) => () => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const rows = data.tokens.length;
  const sources: GgufTensorSource[] = [
    { name: "tokens", type: Type.I32, ne: [rows], data: raw(data.tokens) },
    { name: "starts", type: Type.I32, ne: [data.starts.length], data: raw(data.starts) },
    { name: "features", type: tensorType("F16"), ne: [data.hiddenSize, rows], data: raw(data.features) },
    { name: "top", type: Type.I32, ne: [TOP, rows], data: raw(data.top) },
    { name: "chances", type: Type.F32, ne: [TOP, rows], data: raw(data.chances) },
  ];
  writeGguf(path, new Map<string, MetadataValue>([[TARGET, { type: "string", value: data.targetHash }]]), sources);
}

/** Throws `bad-model` for other files. */
export function loadHeadData(path: string): HeadData {
  using gguf = openGguf(path);
  const targetHash = gguf.metadata.string(TARGET);
  if (targetHash === undefined) {
    throw new DraftwrightError(
      "bad-model",
      `${path} holds no data of a target; make it with \`draftwright train data\``,
    );
  }
  const read = (name: string): ArrayBuffer => {
    const tensor = gguf.tensors.get(name);
    if (!tensor) throw new DraftwrightError("bad-model", `${path} has no "${name}"; make it again`);
    const bytes = new Uint8Array(tensor.bytes);
    gguf.readInto(tensor, bytes);
    return bytes.buffer;
  };
  return {
    targetHash,
    hiddenSize: gguf.tensors.get("features")?.ne[0] ?? 0,
    tokens: new Int32Array(read("tokens")),
    starts: new Int32Array(read("starts")),
    features: new Uint16Array(read("features")),
    top: new Int32Array(read("top")),
    chances: new Float32Array(read("chances")),
  };
}
