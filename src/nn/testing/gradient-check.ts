// Gradients against central differences: the oracle of every rule.
import type { Backend } from "../../ggml/index.ts";
import { LossGraph } from "../loss-graph.ts";
import { Optimiser } from "../optimiser.ts";
import type { Parameters } from "../parameters.ts";
import { Random } from "../random.ts";
import type { Tape, Variable } from "../tape.ts";

/**
 * Largest difference between a gradient and the central difference, over `samples` elements of each parameter, relative
 * to the largest element of that parameter's gradient, or to 0.001: a loss in F32 does not show smaller ones.
 */
export function gradientError(
  backend: Backend,
  all: Parameters,
  build: (tape: Tape) => { readonly loss: Variable; fill?(): void },
  options: { readonly samples?: number; readonly h?: number } = {},
): number {
  const { samples = 12, h = 3e-3 } = options;
  using optimiser = new Optimiser(all);
  using graph = new LossGraph(backend, optimiser, build);
  graph.parts.fill?.();
  optimiser.accumulate();
  graph.run();
  const gradients = all.trainable.map((parameter) => {
    const values = new Float32Array(parameter.elements);
    optimiser.gradient(parameter)?.read(values);
    return values;
  });
  const random = new Random(7);
  let worst = 0;
  for (const [p, parameter] of all.trainable.entries()) {
    const largest = gradients[p].reduce((most, g) => Math.max(most, Math.abs(g)), 1e-3);
    for (let n = 0; n < Math.min(samples, parameter.elements); n++) {
      const i = random.integer(parameter.elements);
      const values = parameter.read();
      const at = (x: number) => {
        const moved = values.slice();
        moved[i] = x;
        parameter.write(moved);
        return graph.run();
      };
      const [up, down] = [Math.fround(values[i] + h), Math.fround(values[i] - h)];
      const numeric = (at(up) - at(down)) / (up - down);
      parameter.write(values);
      worst = Math.max(worst, Math.abs(numeric - gradients[p][i]) / largest);
    }
  }
  return worst;
}
