import { describe, expect, test } from "vitest";
import { Random } from "../random.ts";
import { Adam } from "./adam.ts";
import { type FloatArray, Mlp, SparseInput } from "./mlp.ts";

const shape = { inputs: 9, hidden: [7, 5], outputs: 4 };

function someInput(random: Random, inputs = shape.inputs): SparseInput {
  const input = new SparseInput(inputs);
  for (let i = 0; i < inputs; i++) if (random.below(2) === 0) input.add(i, 2 * random.next() - 1);
  return input;
}

/** The same network as plain sums over dense rows, and nothing else. */
function reference({ weights, shape: { inputs, hidden, outputs } }: Mlp, input: SparseInput): number[] {
  let row = Array<number>(inputs).fill(0);
  for (let i = 0; i < input.count; i++) row[input.indices[i]] += input.values[i];
  let at = 0;
  for (const width of hidden) {
    const next: number[] = [];
    for (let j = 0; j < width; j++) {
      const sum = row.reduce(
        (total, x, i) => total + x * weights[at + i * width + j],
        weights[at + row.length * width + j],
      );
      next.push(Math.max(0, sum));
    }
    at += (row.length + 1) * width;
    row = next;
  }
  return Array.from({ length: outputs }, (_, k) =>
    row.reduce((total, x, i) => total + x * weights[at + k * row.length + i], weights[at + outputs * row.length + k]),
  );
}

describe("dense network", () => {
  test.each([[[7, 5]], [[6]], [[8, 3, 9]]])("outputs of hidden layers %j equal the readable reference", (hidden) => {
    const random = new Random(1);
    const network = new Mlp({ ...shape, hidden }, 2, Float64Array);
    for (let i = 0; i < network.weights.length; i++) network.weights[i] = 2 * random.next() - 1;
    for (let trial = 0; trial < 20; trial++) {
      const input = someInput(random);
      network.run(input);
      const wanted = reference(network, input);
      for (let k = 0; k < shape.outputs; k++) expect(network.output(k)).toBeCloseTo(wanted[k], 12);
    }
  });

  test("gradients equal numeric differences (f64, relative 1e-6)", () => {
    const random = new Random(3);
    const network = new Mlp(shape, 4, Float64Array);
    const { weights } = network;
    for (let i = 0; i < weights.length; i++) weights[i] = 2 * random.next() - 1;
    const inputs = Array.from({ length: 4 }, () => someInput(random));
    // A loss with two outputs of each row in it.
    const loss = () =>
      inputs.reduce((sum, input, i) => {
        network.run(input);
        return sum + 0.5 * network.output(i % 4) ** 2 + 3 * network.output((i + 1) % 4);
      }, 0);
    const gradient = new Float64Array(weights.length);
    inputs.forEach((input, i) => {
      network.run(input);
      network.slope(i % 4, network.output(i % 4));
      network.slope((i + 1) % 4, 3);
      network.backward(gradient);
    });
    const step = 1e-6;
    let largest = 0;
    for (let i = 0; i < weights.length; i++) {
      const before = weights[i];
      weights[i] = before + step;
      const above = loss();
      weights[i] = before - step;
      const below = loss();
      weights[i] = before;
      const numeric = (above - below) / (2 * step);
      expect(Math.abs(numeric - gradient[i])).toBeLessThan(1e-6 * Math.max(1, Math.abs(numeric)));
      largest = Math.max(largest, Math.abs(numeric));
    }
    expect(largest).toBeGreaterThan(1);
  });

  test("equal seeds give equal weights; shapes that are none are refused", () => {
    expect(new Mlp(shape, 5).weights).toEqual(new Mlp(shape, 5).weights);
    expect(new Mlp(shape, 5).weights).not.toEqual(new Mlp(shape, 6).weights);
    expect(() => new Mlp({ ...shape, hidden: [] }, 1)).toThrow(/needs inputs, hidden layers/);
    expect(() => new Mlp({ ...shape, outputs: 0 }, 1)).toThrow(/outputs of 1 or more/);
  });

  test("Adam: the first step moves by the rate against the sign, and a function of four cases is learned", () => {
    const weights = Float64Array.of(1, 1);
    const gradient = Float64Array.of(4, -0.5);
    new Adam(2, Float64Array).step(weights, gradient, 1, 0.1);
    expect([...weights]).toEqual([expect.closeTo(0.9, 6), expect.closeTo(1.1, 6)]);
    expect([...gradient]).toEqual([0, 0]);
    expect(errorAfter(0)).toBeGreaterThan(0.2);
    expect(errorAfter(400)).toBeLessThan(0.01);
  });
});

/** Mean squared error on exclusive or after some steps. */
function errorAfter(steps: number): number {
  const network = new Mlp({ inputs: 2, hidden: [16, 8], outputs: 1 }, 7);
  const adam = new Adam(network.weights.length);
  const gradient: FloatArray = new Float32Array(network.weights.length);
  let error = 0;
  for (let step = 0; step <= steps; step++) {
    error = 0;
    for (let row = 0; row < 4; row++) {
      const input = new SparseInput(2);
      if (row & 1) input.add(0, 1);
      if (row & 2) input.add(1, 1);
      network.run(input);
      const difference = network.output(0) - ((row ^ (row >> 1)) & 1);
      error += difference ** 2 / 4;
      network.slope(0, difference);
      network.backward(gradient);
    }
    if (step < steps) adam.step(network.weights, gradient, 4, 0.02);
  }
  return error;
}
