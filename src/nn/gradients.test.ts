import { describe, expect, test } from "vitest";
import { Backend, quantizeRows, Storage, tensorType } from "../ggml/index.ts";
import * as nn from "./index.ts";
import { gradientError } from "./testing/gradient-check.ts";

const backend = new Backend(undefined, { threads: 1 });

/** A loss that gives every element of y its own weight, so that no error cancels. */
function weigh(y: nn.Variable): nn.Variable {
  const weights = y.tape.input(...y.shape);
  y.tape.beforeRun(() => {
    for (let i = 0; i < weights.array.length; i++) weights.array[i] = Math.sin(1 + 1.7 * i);
  });
  return nn.mean(nn.mul(y, weights.variable));
}

/** Parameters of the given shapes as arguments of f. */
function check(f: (...inputs: nn.Variable[]) => nn.Variable, shapes: number[][], first = nn.normal(1)): number {
  using all = new nn.Parameters(backend, 3);
  const list = shapes.map((shape, i) => all.create(`x${i}`, shape, first));
  return gradientError(backend, all, (tape) => ({ loss: weigh(f(...list.map((p) => tape.use(all, p)))) }));
}

const positive: nn.Initialiser = (values, shape, random) => {
  nn.normal(0.3)(values, shape, random);
  for (let i = 0; i < values.length; i++) values[i] = 0.8 + Math.abs(values[i]);
};
/** Away from the corners of relu and SmoothL1. */
const cornerless: nn.Initialiser = (values) => {
  for (let i = 0; i < values.length; i++) values[i] = (i % 2 ? 1 : -1) * (0.2 + (i % 5) * 0.6);
};

describe("operations against central differences", () => {
  const cases: [string, (...x: nn.Variable[]) => nn.Variable, number[][], nn.Initialiser?][] = [
    ["add with repetition", (a, b) => nn.add(a, b), [[6, 4], [6]]],
    [
      "sub of one number a row",
      (a, b) => nn.sub(a, b),
      [
        [6, 4],
        [1, 4],
      ],
    ],
    [
      "mul with repetition",
      (a, b) => nn.mul(a, b),
      [
        [6, 4, 2],
        [6, 1, 2],
      ],
    ],
    ["div", (a, b) => nn.div(a, b), [[6, 4], [6]], positive],
    ["scale", (a) => nn.scale(a, -1.5, 2), [[6, 4]]],
    ["square", nn.square, [[6, 4]]],
    ["sqrt", nn.sqrt, [[6, 4]], positive],
    ["log", nn.log, [[6, 4]], positive],
    ["exp", nn.exp, [[6, 4]]],
    ["relu", nn.relu, [[6, 4]], cornerless],
    ["softplus", nn.softplus, [[6, 4]]],
    ["silu", nn.silu, [[6, 4]]],
    ["sigmoid", nn.sigmoid, [[6, 4]]],
    ["tanh", nn.tanh, [[6, 4]]],
    ["gelu", nn.gelu, [[6, 4]]],
    [
      "swiglu",
      nn.swiglu,
      [
        [6, 4],
        [6, 4],
      ],
    ],
    ["sum of rows", nn.sumRows, [[6, 4]]],
    ["repeat", (a) => nn.repeat(a, [6, 4, 3, 1]), [[6, 1, 3]]],
    [
      "matmul",
      nn.matmul,
      [
        [16, 5],
        [16, 7],
      ],
    ],
    [
      "matmul of a matrix and a batch",
      nn.matmul,
      [
        [16, 5],
        [16, 3, 2],
      ],
    ],
    [
      "matmul of batches",
      nn.matmul,
      [
        [16, 5, 2],
        [16, 3, 2],
      ],
    ],
    ["softmax", (a) => nn.softmax(a, undefined, 0.7), [[6, 4]]],
    ["RMS norm", (x, w) => nn.rmsNorm(x, w), [[8, 4], [8]]],
    ["normalise", (x) => nn.normalise(x), [[8, 4]]],
    ["reshape and permute", (x) => nn.permute(nn.reshape(x, 3, 2, 4), [2, 0, 1, 3]), [[6, 4]]],
    ["slice", (x) => nn.slice(x, 0, 2, 3), [[8, 4]]],
    ["slice of rows", (x) => nn.slice(x, 1, 1, 2), [[8, 4, 2]]],
    [
      "concat",
      (a, b) => nn.concat(a, b, 0),
      [
        [3, 4],
        [5, 4],
      ],
    ],
    [
      "concat of rows",
      (a, b) => nn.concat(a, b, 1),
      [
        [4, 3],
        [4, 2],
      ],
    ],
    ["shared operand", (x) => nn.mul(nn.sigmoid(x), nn.add(x, nn.tanh(x))), [[6, 4]]],
    ["smoothL1", (a, b) => nn.smoothL1(a, b), [[6, 4], [6]], cornerless],
    [
      "mean squared",
      (a, b) => nn.meanSquared(a, b),
      [
        [6, 4],
        [6, 4],
      ],
    ],
    [
      "attention without a mask",
      (q, k, v) => nn.attention(q, k, v),
      [
        [8, 2, 5, 2],
        [8, 2, 6, 2],
        [8, 2, 6, 2],
      ],
    ],
    [
      "grouped attention",
      (q, k, v) => nn.attention(q, k, v),
      [
        [8, 4, 5],
        [8, 2, 6],
        [8, 2, 6],
      ],
    ],
    [
      "capped attention",
      (q, k, v) => nn.attention(q, k, v, { softCap: 2 }),
      [
        [8, 2, 5],
        [8, 1, 5],
        [8, 1, 5],
      ],
    ],
    [
      "convolution",
      (k, x) => nn.conv2d(k, x, { stride: [1, 2], padding: [1, 1] }),
      [
        [3, 3, 2, 4],
        [6, 5, 2, 2],
      ],
    ],
    [
      "LSTM, one sequence",
      (gates, recurrent) => nn.lstm(gates, recurrent).hidden,
      [
        [12, 5],
        [3, 12],
      ],
    ],
    [
      "LSTM, sequences side by side",
      (gates, recurrent) => nn.lstm(gates, recurrent).hidden,
      [
        [12, 4, 3],
        [3, 12],
      ],
    ],
  ];
  test.each(cases)("%s", (_, f, shapes, first) => {
    expect(check(f, shapes, first)).toBeLessThan(1e-2);
  });

  test("binary cross-entropy", () => {
    const loss = (x: nn.Variable) => {
      const targets = x.tape.input(...x.shape);
      x.tape.beforeRun(() => targets.set(Array.from(targets.array, (_, i) => (i % 3) / 2)));
      return nn.binaryCrossEntropy(x, targets.variable);
    };
    expect(check(loss, [[6, 4]])).toBeLessThan(1e-2);
  });

  test("rotary embedding, both layouts", () => {
    for (const layout of ["pairs", "halves"] as const) {
      const f = (x: nn.Variable) => {
        const positions = x.tape.indices(100, 5);
        x.tape.beforeRun(() => positions.set([0, 3, 4, 50, 99]));
        return nn.rope(x, positions, nn.plainRope(8, layout));
      };
      expect(check(f, [[8, 2, 5, 2]])).toBeLessThan(1e-2);
    }
  });

  test("row selection, a row twice", () => {
    const f = (x: nn.Variable) => {
      const rows = x.tape.indices(6, 4);
      x.tape.beforeRun(() => rows.set([5, 1, 1, 0]));
      return nn.selectRows(x, rows);
    };
    expect(check(f, [[8, 6]])).toBeLessThan(1e-2);
  });

  test("through frozen quantised weights", () => {
    for (const name of ["Q8_0", "Q4_0", "Q6_K", "F16"]) {
      const type = tensorType(name);
      using storage = new Storage(backend.bufferTypes().plain, 1);
      const frozen = storage.tensor(type, 256, 8);
      storage.allocate("weights");
      const values = Float32Array.from({ length: 256 * 8 }, (_, i) => Math.sin(i * 0.37) / 16);
      frozen.write(quantizeRows(type, values, 256));
      const before = new Uint8Array(frozen.map()).slice();
      using all = new nn.Parameters(backend, 3);
      const x = all.create("x", [256, 16], nn.normal(1));
      // Activations are rounded to 8 bits in these products, so a numeric difference is coarse; exact: the dense product.
      const error = gradientError(
        backend,
        all,
        (tape) => ({ loss: weigh(nn.matmul(tape.constant(frozen), tape.use(all, x))) }),
        { h: 0.5 },
      );
      expect(error, name).toBeLessThan(name === "F16" ? 1e-2 : 0.3);
      expect(new Uint8Array(frozen.map())).toEqual(before);
    }
  });
});

describe("cross-entropy", () => {
  function run(most: number, fill: (labels: nn.Labels) => void): number {
    using all = new nn.Parameters(backend, 3);
    const logits = all.create("logits", [7, 5], nn.normal(1));
    return gradientError(
      backend,
      all,
      (tape) => {
        const labels = new nn.Labels(tape, 7, 5, most);
        return { loss: nn.crossEntropy(tape.use(all, logits), labels), fill: () => fill(labels) };
      },
      { samples: 35 },
    );
  }

  test("hard labels, a row without one", () => {
    expect(run(1, (labels) => labels.hard([3, 0, -1, 6, 6]))).toBeLessThan(1e-2);
  });

  test("soft labels with row weights, fewer than the most", () => {
    const error = run(3, (labels) => {
      labels.clear();
      labels.soft(0, [0, 4, 2], [0.5, 0.3, 0.2], 0.7);
      labels.soft(1, [1], [1], 0.1);
      labels.soft(4, [6, 0], [0.4, 0.4], 1);
    });
    expect(error).toBeLessThan(1e-2);
  });

  test("a row without a label has no gradient at all", () => {
    using all = new nn.Parameters(backend, 3);
    const logits = all.create("logits", [7, 3], nn.normal(1));
    using optimiser = new nn.Optimiser(all);
    using graph = new nn.LossGraph(backend, optimiser, (tape) => {
      const labels = new nn.Labels(tape, 7, 3);
      return { labels, loss: nn.crossEntropy(tape.use(all, logits), labels) };
    });
    graph.parts.labels.hard([2, -1, 5]);
    const loss = graph.run();
    const gradient = new Float32Array(21);
    optimiser.gradient(logits)?.read(gradient);
    expect([...gradient.subarray(7, 14)]).toEqual(new Array(7).fill(0));
    const values = logits.read();
    const row = (r: number, label: number) => {
      const x = values.subarray(r * 7, r * 7 + 7);
      return Math.log(x.reduce((sum, v) => sum + Math.exp(v), 0)) - x[label];
    };
    expect(loss).toBeCloseTo((row(0, 2) + row(2, 5)) / 2, 5);
  });
});

describe("layers against central differences", () => {
  const cases: [string, (all: nn.Parameters) => (x: nn.Variable) => nn.Variable, number[]][] = [
    [
      "Linear",
      (all) => {
        const l = new nn.Linear(all, "l", 8, 5);
        return (x) => l.apply(x);
      },
      [8, 6],
    ],
    [
      "RmsNorm",
      (all) => {
        const l = new nn.RmsNorm(all, "l", 8);
        return (x) => l.apply(x);
      },
      [8, 6],
    ],
    [
      "LayerNorm",
      (all) => {
        const l = new nn.LayerNorm(all, "l", 8);
        return (x) => l.apply(x);
      },
      [8, 6],
    ],
    [
      "Mlp",
      (all) => {
        const l = new nn.Mlp(all, "l", [8, 16, 5], "gelu");
        return (x) => l.apply(x);
      },
      [8, 6],
    ],
    [
      "SwiGlu",
      (all) => {
        const l = new nn.SwiGlu(all, "l", 8, 16);
        return (x) => l.apply(x);
      },
      [8, 6],
    ],
    [
      "Conv2d",
      (all) => {
        const l = new nn.Conv2d(all, "l", 3, 4, 3, { padding: 1 });
        return (x) => l.apply(x);
      },
      [5, 4, 3, 2],
    ],
    ["Attention", (all) => causalAttention(all), [16, 6, 2]],
  ];
  test.each(cases)("%s", (_, make, shape) => {
    using all = new nn.Parameters(backend, 5);
    const x = all.create("x", shape, nn.normal(1));
    const layer = make(all);
    expect(gradientError(backend, all, (tape) => ({ loss: weigh(layer(tape.use(all, x))) }))).toBeLessThan(1e-2);
  });

  test("Embedding, shared with the output", () => {
    using all = new nn.Parameters(backend, 5);
    const layer = new nn.Embedding(all, "e", 9, 8, nn.normal(1));
    const error = gradientError(backend, all, (tape) => {
      const tokens = tape.indices(9, 4);
      return { loss: weigh(layer.scores(layer.apply(tape, tokens))), fill: () => tokens.set([8, 2, 2, 0]) };
    });
    expect(error).toBeLessThan(1e-2);
  });
});

function causalAttention(all: nn.Parameters): (x: nn.Variable) => nn.Variable {
  const layer = new nn.Attention(all, "l", 16, { heads: 2, kvHeads: 1, ropeBase: 10000, bias: true });
  return (x) => {
    const mask = x.tape.input(6, 6);
    const positions = x.tape.indices(6, 6);
    x.tape.beforeRun(() => {
      mask.set(nn.causalMask(6));
      positions.set([0, 1, 2, 3, 4, 5]);
    });
    return layer.apply(x, { mask: mask.variable, positions });
  };
}
