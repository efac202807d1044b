import { describe, expect, test } from "vitest";
import { modelConformance } from "../conformance.ts";
import { chainBatch } from "../model.ts";
import { tableModel, toyModel } from "./index.ts";

modelConformance("toy transformer", () => toyModel(), {
  tolerance: 0,
  makeZeroed: (zeroed) => toyModel({ zeroed }),
});

modelConformance("toy transformer without grouped heads", () => toyModel({ kvHeadCount: 4, layerCount: 3, seed: 5 }), {
  tolerance: 0,
});

modelConformance("table model", () => tableModel({ vocabSize: 16, probabilities: hashedTable(16) }), { tolerance: 0 });

/** A distribution that depends on every token of the prefix and on their order. */
function hashedTable(vocabSize: number): (prefix: readonly number[]) => number[] {
  return (prefix) => {
    const seed = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 65521, 7);
    const weights = Array.from({ length: vocabSize }, (_, token) => 1 + ((seed * (token + 3)) % 97));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  };
}

describe("toy transformer", () => {
  test("the same seed gives the same model, another seed another", () => {
    const logitsOf = (seed: number) => {
      const model = toyModel({ seed });
      return model.forward(chainBatch(model.open(), [1, 2, 3], "last")).logits(2);
    };
    expect(logitsOf(3)).toEqual(logitsOf(3));
    expect(logitsOf(3)).not.toEqual(logitsOf(4));
  });

  test("rows beyond the pool are refused, and closing gives them back", () => {
    const model = toyModel({ contextLength: 64, maxRows: 100 });
    const first = model.open();
    expect(() => model.open()).toThrow(/36 left/);
    first.close();
    const again = model.open();
    expect(() => again.fork()).toThrow(/36 left/);
  });

  test("a position past the context is refused", () => {
    const model = toyModel({ contextLength: 4 });
    const sequence = model.open({ rows: 8 });
    expect(() => model.forward(chainBatch(sequence, [1, 1, 1, 1, 1], "last"))).toThrow(/past the context of 4/);
    expect(model.forward(chainBatch(sequence, [1, 1, 1, 1], "last")).width).toBe(4);
  });

  test("a position that is not length + depth is refused", () => {
    const model = toyModel();
    const batch = chainBatch(model.open(), [1, 2], "last");
    batch.position[1] = 0;
    expect(() => model.forward(batch)).toThrow(/position 0 should be 1/);
  });

  test("head sizes that do not divide are refused", () => {
    expect(() => toyModel({ hiddenSize: 20, headCount: 4 })).toThrow(/multiple/);
  });
});

test("a table model gives the logarithms of its table, along the path of each row", () => {
  const model = tableModel({ vocabSize: 3, probabilities: (prefix) => [0, prefix.length / 8, 1 - prefix.length / 8] });
  const sequence = model.open();
  const result = model.forward(chainBatch(sequence, [1, 2], "all"));
  expect(Array.from(result.logits(1))).toEqual([-Infinity, Math.fround(Math.log(0.25)), Math.fround(Math.log(0.75))]);
});
