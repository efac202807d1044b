// The op set of training: only operations that nn has gradients for, over whole texts, without KV rows. The architectures
// that inference runs are written in it, so that no attention block exists twice.
import type { GgufTensor } from "../../ggml/gguf/index.ts";
import {
  add,
  attention,
  gelu,
  type Input,
  matmul,
  mul,
  reshape,
  rmsNorm,
  rope,
  scale,
  selectRows,
  slice,
  swiglu,
  type Tape,
  tanh,
  type Variable,
} from "../../nn/index.ts";
import { architectures, type OpSet, type Projections } from "../architectures/index.ts";
import type { ModelConfig } from "../config.ts";

/** The weights of a model as variables of one tape. */
export interface TrainingWeights {
  /** A tensor of the file, by name: frozen, or a parameter. */
  weight(tape: Tape, tensor: GgufTensor): Variable;
  /** What is added to `weight x`, if anything. */
  delta?(tape: Tape, tensor: GgufTensor, x: Variable): Variable | undefined;
}

type Indices = Input<Int32Array<ArrayBuffer>>;

/** Texts of equal length side by side: x is [hiddenSize, rows, texts]. */
export class TrainingOps implements OpSet<Variable> {
  /** Tokens of text 0, of text 1, ..: [rows * texts]. */
  readonly tokens: Indices;
  readonly #tape: Tape;
  readonly #config: ModelConfig;
  readonly #weights: TrainingWeights;
  readonly #rows: number;
  readonly #texts: number;
  readonly #positions: Indices;
  readonly #masks: { full?: Input; window?: Input } = {};

  constructor(tape: Tape, config: ModelConfig, weights: TrainingWeights, rows: number, texts: number) {
    this.#tape = tape;
    this.#config = config;
    this.#weights = weights;
    this.#rows = rows;
    this.#texts = texts;
    this.tokens = tape.indices(config.vocabSize, rows * texts);
    this.#positions = tape.indices(config.contextLength, rows);
    const windows = new Set(config.layers.map((layer) => layer.window > 0));
    if (windows.has(false)) this.#masks.full = tape.input(rows, rows);
    if (windows.has(true)) this.#masks.window = tape.input(rows, rows);
    const window = Math.max(0, ...config.layers.map((layer) => layer.window));
    tape.beforeRun(() => {
      for (let i = 0; i < rows; i++) this.#positions.array[i] = i;
      fillMask(this.#masks.full, rows, Number.POSITIVE_INFINITY);
      fillMask(this.#masks.window, rows, window);
    });
  }

  embed(): Variable {
    const table = this.#weights.weight(this.#tape, this.#config.weights.tokenEmbedding);
    const { hiddenSize, embeddingScale } = this.#config;
    const x = reshape(selectRows(table, this.tokens), hiddenSize, this.#rows, this.#texts);
    return embeddingScale === 1 ? x : scale(x, embeddingScale);
  }

  add(a: Variable, b: Variable): Variable {
    return add(a, b);
  }

  attentionNorm(layer: number, x: Variable): Variable {
    return this.#norm(x, this.#layer(layer).attentionNorm);
  }

  attentionPostNorm(layer: number, x: Variable): Variable {
    return this.#norm(x, this.#layer(layer).attentionPostNorm);
  }

  feedForwardNorm(layer: number, x: Variable): Variable {
    return this.#norm(x, this.#layer(layer).feedForwardNorm);
  }

  feedForwardPostNorm(layer: number, x: Variable): Variable {
    return this.#norm(x, this.#layer(layer).feedForwardPostNorm);
  }

  project(layer: number, x: Variable): Projections<Variable> {
    const w = this.#layer(layer);
    const { headCount, kvHeadCount, headSize } = this.#config;
    const heads = (y: Variable, count: number) => reshape(y, headSize, count, this.#rows, this.#texts);
    if (!w.projection.fused) {
      const { query, key, value } = w.projection;
      return {
        query: heads(this.#linear(query, w.queryBias, x), headCount),
        key: heads(this.#linear(key, w.keyBias, x), kvHeadCount),
        value: heads(this.#linear(value, w.valueBias, x), kvHeadCount),
      };
    }
    const all = this.#linear(w.projection.qkv, w.qkvBias, x);
    const part = (first: number, count: number, bias: GgufTensor | undefined) =>
      heads(this.#biased(slice(all, 0, first * headSize, count * headSize), bias), count);
    return {
      query: part(0, headCount, w.queryBias),
      key: part(headCount, kvHeadCount, w.keyBias),
      value: part(headCount + kvHeadCount, kvHeadCount, w.valueBias),
    };
  }

  normHeads(layer: number, p: Projections<Variable>): Projections<Variable> {
    const { queryNorm, keyNorm } = this.#layer(layer);
    return { query: this.#norm(p.query, queryNorm), key: this.#norm(p.key, keyNorm), value: p.value };
  }

  attend(layer: number, p: Projections<Variable>): Variable {
    const { layers, attentionScale, scaleQueries, attentionSoftCap } = this.#config;
    const rotated = this.#rotate(layer, p.query);
    const mask = layers[layer].window > 0 ? this.#masks.window : this.#masks.full;
    const mixed = attention(
      scaleQueries ? scale(rotated, attentionScale) : rotated,
      this.#rotate(layer, p.key),
      p.value,
      { mask: mask?.variable, scale: scaleQueries ? 1 : attentionScale, softCap: attentionSoftCap },
    );
    const { attentionOutput, attentionOutputBias } = this.#layer(layer);
    return this.#linear(attentionOutput, attentionOutputBias, mixed);
  }

  feedForward(layer: number, x: Variable): Variable {
    const w = this.#layer(layer);
    const up = this.#linear(w.up, w.upBias, x);
    const size = this.#config.feedForwardSize;
    const gate = w.gate ? this.#linear(w.gate, w.gateBias, x) : slice(up, 0, 0, size);
    const value = w.gate ? up : slice(up, 0, size, size);
    const inner = this.#config.activation === "silu" ? swiglu(gate, value) : mul(gelu(gate), value);
    return this.#linear(w.down, w.downBias, inner);
  }

  logits(x: Variable): Variable {
    const { weights, logitSoftCap: cap } = this.#config;
    const y = this.#linear(weights.output, weights.outputBias, this.#norm(x, weights.outputNorm));
    return cap === 0 ? y : scale(tanh(scale(y, 1 / cap)), cap);
  }

  #layer(layer: number) {
    return this.#config.weights.layers[layer];
  }

  #norm(x: Variable, weight: GgufTensor | undefined): Variable {
    return rmsNorm(x, weight && this.#weights.weight(this.#tape, weight), this.#config.normEpsilon);
  }

  #linear(weight: GgufTensor, bias: GgufTensor | undefined, x: Variable): Variable {
    const y = matmul(this.#weights.weight(this.#tape, weight), x);
    const delta = this.#weights.delta?.(this.#tape, weight, x);
    return this.#biased(delta ? add(y, delta) : y, bias);
  }

  #biased(x: Variable, bias: GgufTensor | undefined): Variable {
    return bias ? add(x, this.#weights.weight(this.#tape, bias)) : x;
  }

  #rotate(layer: number, x: Variable): Variable {
    const { rope: r, layers, contextLength } = this.#config;
    const factors = r.factors && (contextLength > r.originalContext ? r.factors.long : r.factors.short);
    const { ropeBase: base, ropeScale } = layers[layer];
    const layout = r.mode === "neox" ? "halves" : "pairs";
    const settings = { ...r, layout, base, scale: ropeScale } as const;
    return rope(x, this.#positions, settings, factors && this.#weights.weight(this.#tape, factors).tensor);
  }
}

function fillMask(input: Input | undefined, rows: number, window: number): void {
  if (!input) return;
  input.array.fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < rows; i++) input.array.fill(0, i * rows + Math.max(0, i - window + 1), i * rows + i + 1);
}

/** The residual stream after the last layer: [hiddenSize, rows * texts]. */
export function trainingForward(ops: TrainingOps, config: ModelConfig): Variable {
  const architecture = architectures[config.architecture];
  let x = ops.embed();
  for (let layer = 0; layer < config.layerCount; layer++) {
    x = architecture.attention(ops, layer, x);
    x = architecture.feedForward(ops, layer, x);
  }
  return reshape(x, config.hiddenSize, x.rows);
}
