import { expect, test } from "vitest";
import { Backend } from "../ggml/index.ts";
import * as nn from "./index.ts";

const backend = new Backend(undefined, { threads: 1 });
const [size, steps, sequences] = [3, 4, 2];
const random = new nn.Random(5);
const draw = (count: number) => Float32Array.from({ length: count }, () => random.normal());
const gates = draw(4 * size * steps * sequences);
const weights = draw(4 * size * size);
const first = { hidden: draw(size * sequences), cell: draw(size * sequences) };

/** Plain loops in double precision: [size, steps, sequences]. */
function plain(from: typeof first): { hidden: number[]; cell: number[] } {
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const result = { hidden: [] as number[], cell: [] as number[] };
  for (let s = 0; s < sequences; s++) {
    let hidden = [...from.hidden.subarray(s * size, (s + 1) * size)];
    const cell = [...from.cell.subarray(s * size, (s + 1) * size)];
    for (let t = 0; t < steps; t++) {
      const sum = (gate: number, i: number) => {
        const row = gate * size + i;
        const recurrent = hidden.reduce((total, h, j) => total + h * weights[row * size + j], 0);
        return recurrent + gates[(s * steps + t) * 4 * size + row];
      };
      const next = hidden.map((_, i) => {
        cell[i] = sigmoid(sum(1, i)) * cell[i] + sigmoid(sum(0, i)) * Math.tanh(sum(3, i));
        return sigmoid(sum(2, i)) * Math.tanh(cell[i]);
      });
      hidden = next;
      result.hidden.push(...hidden);
      result.cell.push(...cell);
    }
  }
  return result;
}

test.each([true, false])("hidden states and cells equal plain loops; with a first state: %s", (given) => {
  using tape = new nn.Tape(backend, { gradients: false });
  const inputs = {
    gates: tape.input(4 * size, steps, sequences),
    weights: tape.input(size, 4 * size),
    hidden: tape.input(size, sequences),
    cell: tape.input(size, sequences),
  };
  const state = { hidden: inputs.hidden.variable.tensor, cell: inputs.cell.variable.tensor };
  const made = nn.lstm(inputs.gates.variable, inputs.weights.variable, given ? state : undefined);
  const [hidden, cell] = [tape.output(made.hidden), tape.output(made.cell)];
  for (const input of [inputs.hidden, inputs.cell]) tape.output(input.variable);
  tape.ready();
  inputs.gates.set(gates);
  inputs.weights.set(weights);
  inputs.hidden.set(first.hidden);
  inputs.cell.set(first.cell);
  const zeros = { hidden: new Float32Array(first.hidden.length), cell: new Float32Array(first.cell.length) };
  const expected = plain(given ? first : zeros);
  for (let run = 0; run < 2; run++) {
    tape.run();
    for (const [i, value] of hidden.array.entries()) expect(value).toBeCloseTo(expected.hidden[i], 5);
    for (const [i, value] of cell.array.entries()) expect(value).toBeCloseTo(expected.cell[i], 5);
  }
});
