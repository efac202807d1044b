// Amphista (Li et al. 2024, arXiv 2406.13170), reconstructed: no code was published, and of the paper only the abstract and
// summaries were at hand. Certain: staged adaptation layers, causal decoder layers that read the target's hidden state and
// the sampled token, before heads that attend to each other in both directions. Ours: how the heads are split between the
// stages, the residual blocks, the sizes, the shared output matrix, the loss.
import { Attention, add, Linear, type Parameters, RmsNorm, SwiGlu, type Variable, zeros } from "../../nn/index.ts";
import { DecoderLayer } from "./decoder-layer.ts";
import { attentionHeads, type Head, type HeadRows, type HeadSettings } from "./head.ts";
import { ResidualBlock, stack } from "./medusa.ts";

/** A x + B e + b, then causal decoder layers. A begins as the identity, B at zero. */
class Stage {
  readonly #from: Linear;
  readonly #token: Linear;
  readonly #layers: readonly DecoderLayer[];
  readonly #first: number;

  constructor(all: Parameters, name: string, size: number, layers: number, first: number) {
    const identity = (values: Float32Array) => {
      for (let i = 0; i < size; i++) values[i * size + i] = 1;
    };
    this.#from = new Linear(all, `${name}.from`, size, size, { initialiser: identity });
    this.#token = new Linear(all, `${name}.token`, size, size, { bias: false, initialiser: zeros });
    this.#layers = Array.from(
      { length: layers },
      (_, i) => new DecoderLayer(all, `${name}.${i}`, size, { inputNorm: true }),
    );
    this.#first = first;
  }

  apply(x: Variable, { token, attend }: HeadRows): Variable {
    let y = add(this.#from.apply(x), this.#token.apply(token));
    for (const [i, layer] of this.#layers.entries()) y = layer.apply(y, attend, this.#first + i);
    return y;
  }
}

/** An encoder block over the heads of one position: everything sees everything, and nothing of other positions. */
class AutoEmbedding {
  readonly #before: RmsNorm;
  readonly #attention: Attention;
  readonly #between: RmsNorm;
  readonly #feedForward: SwiGlu;

  constructor(all: Parameters, name: string, size: number) {
    this.#before = new RmsNorm(all, `${name}.before`, size);
    this.#attention = new Attention(all, `${name}.attention`, size, { heads: attentionHeads(size), residual: zeros });
    this.#between = new RmsNorm(all, `${name}.between`, size);
    this.#feedForward = new SwiGlu(all, `${name}.feed-forward`, size, 2 * size, zeros);
  }

  /** z [size, heads, rows] */
  apply(z: Variable, bidirectional: boolean): Variable {
    const y = bidirectional ? add(z, this.#attention.apply(this.#before.apply(z))) : z;
    return add(y, this.#feedForward.apply(this.#between.apply(y)));
  }
}

export function amphistaHead(parameters: Parameters, settings: HeadSettings): Head {
  const { hiddenSize, heads, adaptation, bidirectional } = settings;
  const stages =
    adaptation > 0
      ? [0, 1].map((i) => new Stage(parameters, `stage.${i}`, hiddenSize, adaptation, i * adaptation))
      : [];
  const blocks = Array.from({ length: heads }, (_, j) => new ResidualBlock(parameters, `head.${j}`, hiddenSize));
  const places = parameters.create("places", [hiddenSize, heads], zeros);
  const block = new AutoEmbedding(parameters, "block", hiddenSize);
  return {
    settings,
    parameters,
    layers: 2 * adaptation,
    cacheWidth: hiddenSize,
    outputs(rows) {
      const first = stages.length > 0 ? stages[0].apply(rows.feature, rows) : rows.feature;
      const second = stages.length > 0 ? stages[1].apply(first, rows) : rows.feature;
      const half = Math.floor(heads / 2);
      const z = stack(blocks.map((b, j) => b.apply(j < half ? first : second)));
      return block.apply(add(z, z.tape.use(parameters, places)), bidirectional);
    },
  };
}
