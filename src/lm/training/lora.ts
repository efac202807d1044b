// Low-rank adapters (Hu et al. 2021): W x + alpha / rank * B (A x), W frozen. Their files: ../lora-file.ts.
import { DraftwrightError } from "../../errors.ts";
import type { GgufTensor, MetadataValue } from "../../ggml/gguf/index.ts";
import {
  matmul,
  type Parameter,
  type Parameters,
  scale,
  scaledNormal,
  type Tape,
  type Variable,
  zeros,
} from "../../nn/index.ts";
import type { ModelConfig } from "../config.ts";

export interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
  /** Roles of the adapted matrices: `attn_q` .. `ffn_down`, as in the names of the file. */
  readonly targets: readonly string[];
}

export const loraDefaults: LoraSettings = {
  rank: 8,
  alpha: 16,
  targets: ["attn_q", "attn_k", "attn_v", "attn_qkv", "attn_output", "ffn_gate", "ffn_up", "ffn_down"],
};

interface Pair {
  readonly a: Parameter;
  readonly b: Parameter;
}

export class Lora {
  readonly settings: LoraSettings;
  readonly #all: Parameters;
  readonly #architecture: string;
  readonly #pairs = new Map<string, Pair>();

  /** A is random, B zero: at first nothing is added. Throws `bad-argument` when no matrix is meant. */
  constructor(all: Parameters, config: ModelConfig, settings: LoraSettings) {
    const { rank, alpha, targets } = settings;
    if (!Number.isInteger(rank) || rank < 1)
      throw new DraftwrightError("bad-argument", `rank is ${rank}; use 1 or more`);
    if (!(alpha > 0)) throw new DraftwrightError("bad-argument", `alpha is ${alpha}; use a positive number`);
    this.settings = settings;
    this.#all = all;
    this.#architecture = config.architecture;
    for (const tensor of matrices(config)) {
      if (!targets.some((role) => tensor.name.endsWith(`.${role}.weight`))) continue;
      this.#pairs.set(tensor.name, {
        a: all.create(`${tensor.name}.lora_a`, [tensor.ne[0], rank], scaledNormal()),
        b: all.create(`${tensor.name}.lora_b`, [rank, tensor.ne[1]], zeros),
      });
    }
    if (this.#pairs.size === 0) {
      throw new DraftwrightError(
        "bad-argument",
        `the model has no ${targets.join(", ")}; targets: ${loraDefaults.targets}`,
      );
    }
  }

  /** What is added to `tensor x`. */
  delta(tape: Tape, tensor: GgufTensor, x: Variable): Variable | undefined {
    const pair = this.#pairs.get(tensor.name);
    if (!pair) return undefined;
    const { alpha, rank } = this.settings;
    const inner = matmul(tape.use(this.#all, pair.a), x);
    return scale(matmul(tape.use(this.#all, pair.b), inner), alpha / rank);
  }

  /** Metadata of the adapter's file; `saveParameters` writes the rest. */
  get metadata(): Map<string, MetadataValue> {
    return new Map<string, MetadataValue>([
      ["general.type", { type: "string", value: "adapter" }],
      ["general.architecture", { type: "string", value: this.#architecture }],
      ["adapter.type", { type: "string", value: "lora" }],
      ["adapter.lora.alpha", { type: "float32", value: this.settings.alpha }],
    ]);
  }
}

function matrices(config: ModelConfig): GgufTensor[] {
  return config.weights.layers.flatMap((w) => [
    ...(w.projection.fused ? [w.projection.qkv] : [w.projection.query, w.projection.key, w.projection.value]),
    w.attentionOutput,
    ...(w.gate ? [w.gate] : []),
    w.up,
    w.down,
  ]);
}
