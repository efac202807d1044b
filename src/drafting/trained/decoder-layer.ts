// One Llama-style decoder layer of a head.
import { add, Linear, type Parameters, RmsNorm, reshape, SwiGlu, type Variable, zeros } from "../../nn/index.ts";
import { type Attend, attentionHeads } from "./head.ts";

export class DecoderLayer {
  readonly #query: Linear;
  readonly #key: Linear;
  readonly #value: Linear;
  readonly #output: Linear;
  readonly #before: RmsNorm | undefined;
  readonly #between: RmsNorm;
  readonly #feedForward: SwiGlu;
  readonly #heads: number;
  readonly #size: number;

  /** Residual branches begin at zero, so that the layer does nothing at first. */
  constructor(all: Parameters, name: string, size: number, options: { readonly inputNorm: boolean }) {
    const square = (part: string, initialiser?: typeof zeros) =>
      new Linear(all, `${name}.${part}`, size, size, { bias: false, initialiser });
    this.#size = size;
    this.#heads = attentionHeads(size);
    this.#before = options.inputNorm ? new RmsNorm(all, `${name}.before`, size) : undefined;
    this.#query = square("query");
    this.#key = square("key");
    this.#value = square("value");
    this.#output = square("output", zeros);
    this.#between = new RmsNorm(all, `${name}.between`, size);
    this.#feedForward = new SwiGlu(all, `${name}.feed-forward`, size, 2 * size, zeros);
  }

  /** x [size, rows]; `shown`: what other rows see of it. */
  apply(x: Variable, attend: Attend, layer: number, shown = x): Variable {
    const normed = (y: Variable) => (this.#before ? this.#before.apply(y) : y);
    const asking = normed(x);
    const asked = shown === x ? asking : normed(shown);
    const split = (linear: Linear, y: Variable) =>
      reshape(linear.apply(y), this.#size / this.#heads, this.#heads, x.rows);
    const mixed = attend(layer, split(this.#query, asking), split(this.#key, asked), split(this.#value, asked));
    const middle = add(x, this.#output.apply(mixed));
    return add(middle, this.#feedForward.apply(this.#between.apply(middle)));
  }
}
