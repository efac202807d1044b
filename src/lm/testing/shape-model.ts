// Model files of a real model's shape with worthless weights, for benchmarks: speed depends on shapes and types only.
// Made in seconds from a pool of random blocks, and kept in a folder between runs.

import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GgufTensorSource, type MetadataValue, rowBytes, tensorType, writeGguf } from "../../ggml/gguf/index.ts";
import { encodeRows, toHalf } from "./quantise.ts";
import { uniform } from "./random.ts";
import { tokenizerMetadata } from "./vocabularies.ts";

/** TinyLlama-1.1B: 22 layers of 2048, 32 heads over 4. */
const SHAPES = {
  "1.1b": { hidden: 2048, layers: 22, feedForward: 5632, heads: 32, kvHeads: 4, vocab: 32000, context: 2048 },
} as const;

/** Raised when the bytes change, so that an old file in the cache is not taken for a new one. */
const VERSION = 1;
/** Blocks in the pool: 9 MiB of Q4_0. */
const POOL_BLOCKS = 2 ** 19;

/** Path of a Q4_0 Llama model of the given shape (about 620 MB), written on the first call. */
export function shapeModel(name: keyof typeof SHAPES, folder = join(tmpdir(), "draftwright-models")): string {
  const path = join(folder, `shape-${name}-q4_0-v${VERSION}.gguf`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const shape = SHAPES[name];
  writeGguf(path, new Map(shapeMetadata(name)), shapeTensors(shape));
  return path;
}

function shapeMetadata(name: keyof typeof SHAPES): [string, MetadataValue][] {
  const { hidden, layers, feedForward, heads, kvHeads, vocab, context } = SHAPES[name];
  const sizes: Record<string, number> = {
    context_length: context,
    embedding_length: hidden,
    block_count: layers,
    feed_forward_length: feedForward,
    "attention.head_count": heads,
    "attention.head_count_kv": kvHeads,
    "rope.dimension_count": hidden / heads,
  };
  return [
    ["general.architecture", { type: "string", value: "llama" }],
    ["general.name", { type: "string", value: `shape ${name}` }],
    ...Object.entries(sizes).map(([key, value]): [string, MetadataValue] => [
      `llama.${key}`,
      { type: "uint32", value },
    ]),
    ["llama.attention.layer_norm_rms_epsilon", { type: "float32", value: 1e-5 }],
    ...tokenizerMetadata("spm", vocab),
  ];
}

function shapeTensors(shape: (typeof SHAPES)[keyof typeof SHAPES]): GgufTensorSource[] {
  const { hidden, layers, feedForward, heads, kvHeads, vocab } = shape;
  const q4 = tensorType("Q4_0");
  const f32 = tensorType("F32");
  const pool = randomPool(q4.blockBytes);
  const tensors: GgufTensorSource[] = [];
  const norm = (name: string) =>
    tensors.push({
      name,
      type: f32,
      ne: [hidden],
      data: () => encodeRows(f32, new Float32Array(hidden).fill(1), hidden),
    });
  const matrix = (name: string, columns: number, rows: number, gain: number) => {
    const turn = tensors.length;
    const data = () => fromPool(pool, q4.blockBytes, rowBytes(q4, columns) * rows, gain / Math.sqrt(columns), turn);
    tensors.push({ name, type: q4, ne: [columns, rows], data });
  };
  const keys = (hidden / heads) * kvHeads;
  matrix("token_embd.weight", hidden, vocab, Math.sqrt(hidden));
  norm("output_norm.weight");
  matrix("output.weight", hidden, vocab, 3);
  for (let layer = 0; layer < layers; layer++) {
    norm(`blk.${layer}.attn_norm.weight`);
    matrix(`blk.${layer}.attn_q.weight`, hidden, hidden, 1);
    matrix(`blk.${layer}.attn_k.weight`, hidden, keys, 1);
    matrix(`blk.${layer}.attn_v.weight`, hidden, keys, 1);
    matrix(`blk.${layer}.attn_output.weight`, hidden, hidden, 1);
    norm(`blk.${layer}.ffn_norm.weight`);
    matrix(`blk.${layer}.ffn_gate.weight`, hidden, feedForward, 1);
    matrix(`blk.${layer}.ffn_up.weight`, hidden, feedForward, 1);
    matrix(`blk.${layer}.ffn_down.weight`, feedForward, hidden, 1);
  }
  return tensors;
}

function randomPool(blockBytes: number): Uint8Array {
  const words = new Uint32Array((POOL_BLOCKS * blockBytes) / 4);
  const next = uniform(11);
  for (let i = 0; i < words.length; i++) words[i] = next() * 2 ** 32;
  return new Uint8Array(words.buffer);
}

/** `bytes` bytes of Q4_0 blocks whose values have the given standard deviation; `turn` moves the start in the pool. */
function* fromPool(pool: Uint8Array, blockBytes: number, bytes: number, deviation: number, turn: number) {
  // A nibble is uniform over -8 .. 7: standard deviation sqrt((16^2 - 1) / 12).
  const half = toHalf(deviation / 4.61);
  for (let at = 0; at < pool.length; at += blockBytes) {
    pool[at] = half & 0xff;
    // Half of the scales are negative: nibbles average -0.5, which with one sign would make a direction that drowns all.
    pool[at + 1] = (half >> 8) | ((Math.imul(at, 0x9e3779b1) >>> 24) & 0x80);
  }
  let at = ((turn * 7919) % POOL_BLOCKS) * blockBytes;
  for (let left = bytes; left > 0; at = 0) {
    const piece = pool.subarray(at, Math.min(pool.length, at + left));
    yield piece;
    left -= piece.length;
  }
}
