// A model that has learned nothing: the shape of a Llama with the vocabulary of another file.
import { DraftwrightError } from "../errors.ts";
import { type GgufTensorSource, type MetadataValue, openGguf, rowBytes, tensorType, writeGguf } from "../ggml/index.ts";

export interface ModelShape {
  readonly layers: number;
  /** Of the residual stream. */
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly feedForward: number;
  /** Tokens that it may be asked to hold. */
  readonly contextLength: number;
}

/** That of the embedded target: 6.8M parameters with 8,192 tokens. */
export const defaultShape: ModelShape = {
  layers: 6,
  width: 256,
  heads: 4,
  kvHeads: 2,
  feedForward: 768,
  contextLength: 2048,
};

/**
 * Writes a Llama with tied embeddings whose weights are all zero. `tokenizer`: any GGUF file with a vocabulary; `type`: of the
 * matrices. Throws `bad-argument` when the sizes do not fit each other.
 */
export function writeEmptyModel(path: string, shape: ModelShape, tokenizer: string, type: string): void {
  const { layers, width, heads, kvHeads, feedForward } = shape;
  checkShape(shape, type);
  using gguf = openGguf(tokenizer);
  const vocabulary = [...gguf.metadata.keys()].filter((key) => key.startsWith("tokenizer."));
  const tokens = gguf.metadata.strings("tokenizer.ggml.tokens")?.length ?? 0;
  const headSize = width / heads;
  const uint = (value: number) => ({ type: "uint32", value }) as const;
  const metadata: [string, MetadataValue][] = [
    ["general.architecture", { type: "string", value: "llama" }],
    ["llama.vocab_size", uint(tokens)],
    ["llama.context_length", uint(shape.contextLength)],
    ["llama.embedding_length", uint(width)],
    ["llama.block_count", uint(layers)],
    ["llama.feed_forward_length", uint(feedForward)],
    ["llama.attention.head_count", uint(heads)],
    ["llama.attention.head_count_kv", uint(kvHeads)],
    ["llama.rope.dimension_count", uint(headSize)],
    ["llama.attention.layer_norm_rms_epsilon", { type: "float32", value: 1e-5 }],
    ["llama.rope.freq_base", { type: "float32", value: 10000 }],
    ...vocabulary.map((key): [string, MetadataValue] => [key, gguf.metadata.value(key) as MetadataValue]),
  ];
  const tensors: GgufTensorSource[] = [];
  const vector = (name: string) => tensors.push(zeros(name, [width], "F32"));
  const matrix = (name: string, columns: number, rows: number) => tensors.push(zeros(name, [columns, rows], type));
  matrix("token_embd.weight", width, tokens);
  vector("output_norm.weight");
  for (let layer = 0; layer < layers; layer++) {
    const name = (role: string) => `blk.${layer}.${role}.weight`;
    vector(name("attn_norm"));
    matrix(name("attn_q"), width, width);
    matrix(name("attn_k"), width, kvHeads * headSize);
    matrix(name("attn_v"), width, kvHeads * headSize);
    matrix(name("attn_output"), width, width);
    vector(name("ffn_norm"));
    matrix(name("ffn_gate"), width, feedForward);
    matrix(name("ffn_up"), width, feedForward);
    matrix(name("ffn_down"), feedForward, width);
  }
  writeGguf(path, new Map(metadata), tensors);
}

function zeros(name: string, ne: readonly number[], type: string): GgufTensorSource {
  const row = rowBytes(tensorType(type), ne[0]);
  return { name, type: tensorType(type), ne, data: () => new Uint8Array(row * (ne[1] ?? 1)) };
}

function checkShape({ width, heads, kvHeads, feedForward }: ModelShape, type: string): void {
  const refuse = (what: string): never => {
    throw new DraftwrightError("bad-argument", what);
  };
  if (width % heads !== 0 || (width / heads) % 2 !== 0) {
    refuse(`a width of ${width} cannot be shared by ${heads} heads of an even size; choose a multiple of ${2 * heads}`);
  }
  if (heads % kvHeads !== 0) refuse(`${heads} heads cannot share ${kvHeads} key and value heads evenly`);
  const block = tensorType(type).blockElements;
  for (const [name, size] of Object.entries({ width, "feed-forward size": feedForward })) {
    if (size % block !== 0)
      refuse(`a ${name} of ${size} is no multiple of ${block}, which ${type} needs; or use --type F16`);
  }
}
