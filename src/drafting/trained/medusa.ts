// Medusa-1 (Cai et al. 2024), the baseline: head j is f + SiLU(W_j f + b_j) before the target's own, frozen output matrix.
import { add, concat, Linear, type Parameters, reshape, silu, type Variable, zeros } from "../../nn/index.ts";
import type { Head, HeadRows, HeadSettings } from "./head.ts";

/** f -> f + SiLU(W f + b), nothing at first. */
export class ResidualBlock {
  readonly #linear: Linear;

  constructor(all: Parameters, name: string, size: number) {
    this.#linear = new Linear(all, name, size, size, { initialiser: zeros });
  }

  apply(x: Variable): Variable {
    return add(x, silu(this.#linear.apply(x)));
  }
}

/** [size, rows] each -> [size, parts, rows]. */
export function stack(parts: readonly Variable[]): Variable {
  const [size] = parts[0].shape;
  const apart = parts.map((part) => reshape(part, size, 1, part.rows));
  return apart.reduce((a, b) => concat(a, b, 1));
}

export function medusaHead(parameters: Parameters, settings: HeadSettings): Head {
  const blocks = Array.from(
    { length: settings.heads },
    (_, j) => new ResidualBlock(parameters, `head.${j}`, settings.hiddenSize),
  );
  return {
    settings,
    parameters,
    layers: 0,
    cacheWidth: 0,
    outputs: ({ feature }: HeadRows) => stack(blocks.map((block) => block.apply(feature))),
  };
}
