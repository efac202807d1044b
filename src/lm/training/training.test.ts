import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Backend, Oracle } from "../../ggml/index.ts";
import * as nn from "../../nn/index.ts";
import { gradientError } from "../../nn/testing/gradient-check.ts";
import type { Architecture } from "../config.ts";
import { writeRandomModel } from "../testing/index.ts";
import { FrozenModel, Lora, mergeLora, TrainingOps, type TrainingWeights, trainingForward } from "./index.ts";

const backend = new Backend(undefined, { threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "draftwright-training-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Logits spread by more than 10; flash attention and tables of half precision make libllama's differ by so much. */
const rounding = 0.05;

const tokens = Array.from({ length: 48 }, (_, i) => (i * 37) % 500);

function model(architecture: Architecture, weightType = "F32"): string {
  const path = join(folder, `${architecture}-${weightType}.gguf`);
  writeRandomModel(path, { architecture, weightType, layerCount: 2, headSize: 64, contextLength: 256 });
  return path;
}

/** Logits of all rows of the text, and what the tape was made from. */
function forward(frozen: FrozenModel, lora?: Lora): Float32Array {
  using tape = new nn.Tape(backend, { gradients: false });
  const ops = new TrainingOps(tape, frozen.config, weights(frozen, lora), tokens.length, 1);
  const logits = tape.output(ops.logits(trainingForward(ops, frozen.config)));
  tape.ready();
  ops.tokens.set(tokens);
  tape.run();
  return logits.array.slice();
}

function weights(frozen: FrozenModel, lora?: Lora): TrainingWeights {
  return {
    weight: (tape, tensor) => tape.constant(frozen.tensor(tensor.name)),
    delta: (tape, tensor, x) => lora?.delta(tape, tensor, x),
  };
}

function oracle(path: string, adapter?: string): Float32Array {
  using libllama = new Oracle(path, { contextLength: 64, threads: 1, repack: false, kvType: 0, adapter });
  libllama.decode(tokens, "all");
  return Float32Array.from(tokens.flatMap((_, i) => [...libllama.logits(i)]));
}

function worst(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

describe("the training graph gives libllama's logits", () => {
  test.each(["llama", "qwen2", "qwen3", "gemma2", "gemma3", "phi3"] as const)("%s", (architecture) => {
    const path = model(architecture);
    using frozen = new FrozenModel(path, backend);
    expect(worst(forward(frozen), oracle(path))).toBeLessThan(rounding);
  });
});

describe("LoRA", () => {
  const settings = { rank: 4, alpha: 8, targets: ["attn_q", "attn_v", "attn_output", "ffn_down"] };

  function randomLora(all: nn.Parameters, frozen: FrozenModel): Lora {
    const lora = new Lora(all, frozen.config, settings);
    for (const p of all.all) {
      p.write(Float32Array.from({ length: p.elements }, () => all.random.normal() / 16));
    }
    return lora;
  }

  test("with B = 0 nothing changes", () => {
    using frozen = new FrozenModel(model("llama", "Q8_0"), backend);
    using all = new nn.Parameters(backend, 1);
    const lora = new Lora(all, frozen.config, settings);
    expect(forward(frozen, lora)).toEqual(forward(frozen));
  });

  test("libllama gives equal logits with the adapter's file; so does the merged model", () => {
    for (const type of ["F32", "Q8_0"]) {
      const path = model("llama", type);
      using frozen = new FrozenModel(path, backend);
      using all = new nn.Parameters(backend, 1);
      const lora = randomLora(all, frozen);
      const adapter = join(folder, `${type}-adapter.gguf`);
      nn.saveParameters(adapter, all, lora.metadata);
      const ours = forward(frozen, lora);
      expect(worst(ours, oracle(path))).toBeGreaterThan(0.5);
      expect(worst(ours, oracle(path, adapter)), type).toBeLessThan(type === "F32" ? rounding : 0.3);
      if (type !== "F32") continue;
      const merged = join(folder, "merged.gguf");
      mergeLora(path, adapter, merged);
      expect(worst(ours, oracle(merged))).toBeLessThan(rounding);
      const back = join(folder, "unmerged.gguf");
      mergeLora(merged, adapter, back, { scale: -1 });
      expect(worst(oracle(path), oracle(back))).toBeLessThan(rounding);
    }
  });

  test("gradients through a block of F32 weights equal central differences", () => {
    using frozen = new FrozenModel(model("llama"), backend);
    using all = new nn.Parameters(backend, 1);
    const lora = randomLora(all, frozen);
    const error = gradientError(backend, all, (tape) => lossOf(tape, frozen, lora), { samples: 3, h: 1e-2 });
    expect(error).toBeLessThan(3e-2);
  });

  test("training through quantised weights lowers the loss and leaves the file as it was", () => {
    const path = model("llama", "Q4_0");
    const hash = () => createHash("sha256").update(readFileSync(path)).digest("hex");
    const before = hash();
    using frozen = new FrozenModel(path, backend);
    using all = new nn.Parameters(backend, 1);
    const lora = new Lora(all, frozen.config, settings);
    using optimiser = new nn.Optimiser(all, { clipNorm: 1 });
    using graph = new nn.LossGraph(backend, optimiser, (tape) => lossOf(tape, frozen, lora));
    graph.parts.fill();
    const first = graph.run();
    for (let i = 0; i < 25; i++) {
      optimiser.step(1e-2);
      graph.run();
    }
    expect(graph.run()).toBeLessThan(first / 2);
    expect(hash()).toBe(before);
  });

  test("a model without the targets is refused", () => {
    using frozen = new FrozenModel(model("phi3"), backend);
    using all = new nn.Parameters(backend, 1);
    expect(() => new Lora(all, frozen.config, { ...settings, targets: ["attn_q"] })).toThrow(/has no attn_q/);
  });
});

function lossOf(tape: nn.Tape, frozen: FrozenModel, lora: Lora) {
  const ops = new TrainingOps(tape, frozen.config, weights(frozen, lora), 16, 1);
  const rows = tape.indices(16, 8);
  const labels = new nn.Labels(tape, frozen.config.vocabSize, 8);
  const x = nn.selectRows(trainingForward(ops, frozen.config), rows);
  const fill = () => {
    ops.tokens.set(tokens.slice(0, 16));
    rows.set([7, 8, 9, 10, 11, 12, 13, 14]);
    labels.hard(tokens.slice(8, 16));
  };
  return { loss: nn.crossEntropy(ops.logits(x), labels), fill };
}
