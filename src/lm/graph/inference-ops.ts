// The op set of inference: fused operations, KV rows, flash attention. Adds one model's operations to one graph.
import { type Graph, ops, type Port, type Tensor, Type } from "../../ggml/index.ts";
import type { OpSet, Projections } from "../architectures/index.ts";
import type { ModelConfig } from "../config.ts";
import { type Addition, addLowRank } from "./adapter.ts";
import type { KvRows } from "./kv-rows.ts";
import type { Linear, Weights } from "./weights.ts";

/** The rows of one sequence in a forward. */
export interface Slice {
  /** First KV row of the sequence's range. */
  readonly start: number;
  readonly rows: number;
  /** KV rows attention reads, from `start` on. */
  readonly kv: number;
}

export interface SliceMasks {
  /** F16 [kv, rows]: 0 where a row may look, -Infinity elsewhere. */
  readonly full: Port<Uint16Array<ArrayBuffer>> | undefined;
  /** The same within the sliding window. */
  readonly window: Port<Uint16Array<ArrayBuffer>> | undefined;
}

/** Adapters in use. */
export interface LowRank {
  readonly additions: readonly Addition[];
  /** Rows by themselves, for exact numerics. */
  readonly apart: boolean;
}

const FLOAT_BYTES = 4;

export class InferenceOps implements OpSet<Tensor> {
  readonly tokens: Port<Int32Array<ArrayBuffer>>;
  readonly positions: Port<Int32Array<ArrayBuffer>>;
  /** KV row each row of the forward is written to. */
  readonly targets: Port<BigInt64Array<ArrayBuffer>>;
  readonly masks: readonly SliceMasks[];
  readonly #graph: Graph;
  readonly #config: ModelConfig;
  readonly #weights: Weights;
  readonly #kv: KvRows;
  readonly #slices: readonly Slice[];
  readonly #rows: number;
  readonly #low: LowRank;

  constructor(
    graph: Graph,
    config: ModelConfig,
    weights: Weights,
    kv: KvRows,
    slices: readonly Slice[],
    attends: boolean,
    low: LowRank = { additions: [], apart: false },
  ) {
    this.#graph = graph;
    this.#config = config;
    this.#weights = weights;
    this.#kv = kv;
    this.#slices = slices;
    this.#low = low;
    this.#rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
    this.tokens = graph.input(Type.I32, this.#rows);
    this.positions = graph.input(Type.I32, this.#rows);
    this.targets = graph.input(Type.I64, this.#rows);
    const windowed = config.layers.some((layer) => layer.window > 0);
    const full = config.layers.some((layer) => layer.window === 0);
    this.masks = slices.map((slice) => ({
      full: attends && full ? graph.input(Type.F16, slice.kv, slice.rows) : undefined,
      window: attends && windowed ? graph.input(Type.F16, slice.kv, slice.rows) : undefined,
    }));
  }

  embed(): Tensor {
    const x = ops.getRows(this.#graph.context, this.#weights.tokenEmbedding, this.tokens.tensor);
    const { embeddingScale } = this.#config;
    return embeddingScale === 1 ? x : ops.scale(this.#graph.context, x, embeddingScale);
  }

  add(a: Tensor, b: Tensor): Tensor {
    return ops.add(this.#graph.context, a, b);
  }

  attentionNorm(layer: number, x: Tensor): Tensor {
    return this.#norm(x, this.#weights.layers[layer].attentionNorm);
  }

  attentionPostNorm(layer: number, x: Tensor): Tensor {
    return this.#norm(x, this.#weights.layers[layer].attentionPostNorm as Tensor);
  }

  feedForwardNorm(layer: number, x: Tensor): Tensor {
    return this.#norm(x, this.#weights.layers[layer].feedForwardNorm);
  }

  feedForwardPostNorm(layer: number, x: Tensor): Tensor {
    return this.#norm(x, this.#weights.layers[layer].feedForwardPostNorm as Tensor);
  }

  project(layer: number, x: Tensor): Projections<Tensor> {
    const { projection } = this.#weights.layers[layer];
    const parts = projection.map((linear) => this.#linear(linear, x));
    const { headCount, kvHeadCount, headSize } = this.#config;
    if (parts.length === 1) {
      const stacked = parts[0];
      return {
        query: this.#heads(stacked, headCount, 0),
        key: this.#heads(stacked, kvHeadCount, headCount * headSize),
        value: this.#heads(stacked, kvHeadCount, (headCount + kvHeadCount) * headSize),
        stacked,
      };
    }
    const [query, key, value] = parts;
    return {
      query: this.#heads(query, headCount, 0),
      key: this.#heads(key, kvHeadCount, 0),
      value: this.#heads(value, kvHeadCount, 0),
    };
  }

  normHeads(layer: number, p: Projections<Tensor>): Projections<Tensor> {
    const { queryNorm, keyNorm } = this.#weights.layers[layer];
    return {
      query: this.#norm(p.query, queryNorm as Tensor),
      key: this.#norm(p.key, keyNorm as Tensor),
      value: p.value,
    };
  }

  attend(layer: number, p: Projections<Tensor>): Tensor {
    const { context } = this.#graph;
    const width = this.#config.kvHeadCount * this.#config.headSize;
    const { query: rotated, key } = this.#rotate(layer, p);
    // Equal to scaling the scores but for rounding, which quantised products then magnify; so where llama.cpp does it.
    const query = this.#config.scaleQueries ? ops.scale(context, rotated, this.#config.attentionScale) : rotated;
    const flat = (x: Tensor, offset = 0) => ops.view(context, x, [width, this.#rows], offset, [x.stride[2]]);
    // Nothing depends on these writes, so they enter the graph before the attention that reads the rows.
    this.#graph.expand(ops.setRows(context, this.#kv.keys[layer], flat(key), this.targets.tensor));
    this.#graph.expand(ops.setRows(context, this.#kv.values[layer], flat(p.value), this.targets.tensor));

    let row = 0;
    let parts = this.#slices.map((slice, i) => {
      const part = this.#attendSlice(layer, query, row, slice, this.masks[i]);
      row += slice.rows;
      return part;
    });
    // Neighbours first: one after another would copy the rows of the first sequence once for each of the others.
    while (parts.length > 1) {
      parts = parts.flatMap((part, i) => {
        if (i % 2 === 1) return [];
        return i + 1 < parts.length ? ops.joinRows(context, part, parts[i + 1]) : part;
      });
    }
    return this.#linear(this.#weights.layers[layer].attentionOutput, parts[0]);
  }

  feedForward(layer: number, x: Tensor): Tensor {
    const { context } = this.#graph;
    const { gateUp, down } = this.#weights.layers[layer];
    const operation = this.#config.activation === "silu" ? "swiglu" : "geglu";
    const parts = gateUp.map((linear) => this.#linear(linear, x));
    const hidden =
      parts.length === 1 ? ops.glu(context, parts[0], operation) : ops.gluSplit(context, parts[0], parts[1], operation);
    return this.#linear(down, hidden);
  }

  /** Rows of x picked by index. */
  select(x: Tensor, rows: Tensor): Tensor {
    return ops.getRows(this.#graph.context, x, rows);
  }

  outputNorm(x: Tensor): Tensor {
    return this.#norm(x, this.#weights.outputNorm);
  }

  logits(x: Tensor): Tensor {
    const { context } = this.#graph;
    const logits = this.#linear(this.#weights.output, this.outputNorm(x));
    const cap = this.#config.logitSoftCap;
    if (cap === 0) return logits;
    return ops.scale(context, ops.tanh(context, ops.scale(context, logits, 1 / cap)), cap);
  }

  #norm(x: Tensor, weight: Tensor): Tensor {
    const { context } = this.#graph;
    return ops.mul(context, ops.rmsNorm(context, x, this.#config.normEpsilon), weight);
  }

  #linear(linear: Linear, x: Tensor): Tensor {
    const { context } = this.#graph;
    let y = ops.mulMat(context, linear.matrix, x);
    for (const { adapter, scale } of this.#low.additions) {
      const factors = adapter.factors(linear);
      if (factors) y = addLowRank(context, y, x, factors, scale, this.#low.apart);
    }
    return linear.bias ? ops.add(context, y, linear.bias) : y;
  }

  /** Columns from `first` on of x [width, rows] as heads: [headSize, heads, rows]. */
  #heads(x: Tensor, heads: number, first: number): Tensor {
    const { headSize } = this.#config;
    const strides = [headSize * FLOAT_BYTES, x.stride[1]];
    return ops.view(this.#graph.context, x, [headSize, heads, this.#rows], first * FLOAT_BYTES, strides);
  }

  #rotate(layer: number, p: Projections<Tensor>): { query: Tensor; key: Tensor } {
    const { rope, layers, headSize, headCount, kvHeadCount, scaleQueries } = this.#config;
    const { context } = this.#graph;
    const rotate = (x: Tensor) =>
      ops.rope(context, x, this.positions.tensor, this.#weights.ropeFactors, {
        dimensions: rope.dimensions,
        layout: rope.mode === "neox" ? "halves" : "pairs",
        base: layers[layer].ropeBase,
        scale: layers[layer].ropeScale,
        originalContext: rope.originalContext,
        extFactor: rope.extFactor,
        attentionFactor: rope.attentionFactor,
        betaFast: rope.betaFast,
        betaSlow: rope.betaSlow,
      });
    // Neighbours in one projection are rotated together: one operation less. Scaling needs the queries by themselves.
    if (p.stacked && !scaleQueries) {
      const both = rotate(this.#heads(p.stacked, headCount + kvHeadCount, 0));
      const cut = (heads: number, first: number) =>
        ops.view(context, both, [headSize, heads, this.#rows], first * headSize * FLOAT_BYTES, [
          both.stride[1],
          both.stride[2],
        ]);
      return { query: cut(headCount, 0), key: cut(kvHeadCount, headCount) };
    }
    return { query: rotate(p.query), key: rotate(p.key) };
  }

  #attendSlice(layer: number, query: Tensor, row: number, slice: Slice, masks: SliceMasks): Tensor {
    const { context } = this.#graph;
    const { headSize, headCount, kvHeadCount, attentionScale, scaleQueries, attentionSoftCap, layers } = this.#config;
    const rows = ops.view(context, query, [headSize, headCount, slice.rows], row * query.stride[2], [
      query.stride[1],
      query.stride[2],
    ]);
    const cached = (x: Tensor) =>
      ops.view(context, x, [headSize, slice.kv, kvHeadCount], slice.start * x.stride[1], [
        x.stride[1],
        x.stride[1] / kvHeadCount,
      ]);
    const mask = layers[layer].window > 0 ? masks.window : masks.full;
    const out = ops.flashAttention(
      context,
      ops.permute(context, rows, [0, 2, 1, 3]),
      cached(this.#kv.keys[layer]),
      cached(this.#kv.values[layer]),
      (mask as Port).tensor,
      { scale: scaleQueries ? 1 : attentionScale, softCap: attentionSoftCap },
    );
    return ops.reshape(context, out, headSize * headCount, slice.rows);
  }
}
