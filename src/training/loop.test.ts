import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Backend } from "../ggml/index.ts";
import { crossEntropy, Labels, LossGraph, Mlp, Optimiser, Parameters, Random, saveParameters } from "../nn/index.ts";
import { makeSamples, readDocuments, splitHeldOut, type TrainingEvent, type TrainingTask, train } from "./index.ts";

const backend = new Backend(undefined, { threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "draftwright-train-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Four classes by two signs. */
function signsTask(seed: number, onBatch?: () => void) {
  const parameters = new Parameters(backend, seed);
  const net = new Mlp(parameters, "net", [4, 16, 4]);
  const optimiser = new Optimiser(parameters, { clipNorm: 1 });
  const random = new Random(seed);
  const build = (with_: Optimiser | undefined) =>
    new LossGraph(backend, with_, (tape) => {
      const [x, labels] = [tape.input(4, 16), new Labels(tape, 4, 16)];
      return { x, labels, loss: crossEntropy(net.apply(x.variable), labels) };
    });
  const [learn, judge] = [build(optimiser), build(undefined)];
  const run = (graph: typeof learn, source: Random) => {
    const x = Array.from({ length: 64 }, () => source.normal());
    graph.parts.x.set(x);
    graph.parts.labels.hard(Array.from({ length: 16 }, (_, i) => (x[4 * i] > 0 ? 1 : 0) + (x[4 * i + 1] > 0 ? 2 : 0)));
    return graph.run();
  };
  const task: TrainingTask = {
    parameters,
    optimiser,
    random,
    criterion: { name: "held-out loss", more: false },
    batch() {
      onBatch?.();
      return { loss: run(learn, random), tokens: 16 };
    },
    evaluate: () => ({ "held-out loss": run(judge, new Random(1)) }),
    save: (path) => saveParameters(path, parameters),
  };
  return task;
}

const weights = (task: TrainingTask) => task.parameters.all.map((p) => [...p.read()]);

describe("the training loop", () => {
  test("learns within its budget, keeps the best, reports", async () => {
    const out = join(folder, "a.gguf");
    const events: TrainingEvent[] = [];
    const result = await train(signsTask(1), {
      out,
      budget: { steps: 100 },
      rate: 2e-2,
      onEvent: (event) => events.push(event),
    });
    expect(result).toMatchObject({ reason: "budget", steps: 100, tokens: 1600 });
    const judged = events.flatMap((e) => (e.event === "evaluation" ? [e.measures["held-out loss"]] : []));
    // One before the first step, then one every 5 %.
    expect(judged).toHaveLength(21);
    expect(result.best).toBe(Math.min(...judged));
    expect(result.best).toBeLessThan(judged[0] / 2);
    expect(existsSync(out)).toBe(true);
    expect(existsSync(`${out}.state`)).toBe(false);
    const rates = events.flatMap((e) => (e.event === "step" ? [e.rate] : []));
    expect(Math.max(...rates)).toBeLessThanOrEqual(2e-2);
    expect(rates[0]).toBeLessThan(2e-3);
    expect(rates[99]).toBeLessThan(2e-3);
  });

  test("interrupted and resumed, it ends with the weights of an uninterrupted run", async () => {
    const options = { budget: { steps: 60 }, rate: 1e-2 };
    const whole = signsTask(3);
    await train(whole, { ...options, out: join(folder, "whole.gguf") });
    const out = join(folder, "parts.gguf");
    const stop = new AbortController();
    let batches = 0;
    const first = signsTask(3, () => {
      if (++batches === 23) stop.abort();
    });
    const cut = await train(first, { ...options, out, signal: stop.signal });
    expect(cut).toMatchObject({ reason: "interrupted", steps: 23 });
    const second = signsTask(8);
    const end = await train(second, { ...options, out, resume: true });
    expect(end).toMatchObject({ reason: "budget", steps: 60, tokens: 960 });
    expect(weights(second)).toEqual(weights(whole));
  });

  test("saves while it runs: what a killed process leaves behind goes on exactly", async () => {
    const options = { budget: { steps: 40 }, rate: 1e-2 };
    const whole = signsTask(3);
    await train(whole, { ...options, out: join(folder, "whole.gguf") });
    const out = join(folder, "killed.gguf");
    let batches = 0;
    const killed = signsTask(3, () => {
      if (++batches === 31) throw new Error("killed");
    });
    await expect(train(killed, { ...options, out, saveSeconds: 0 })).rejects.toThrow("killed");
    const again = signsTask(8);
    const end = await train(again, { ...options, out, resume: true });
    expect(end.steps).toBe(40);
    expect(weights(again)).toEqual(weights(whole));
  });

  test("stops when nothing improves; refuses a run without a budget", async () => {
    const task = signsTask(1);
    const stuck = { ...task, evaluate: () => ({ "held-out loss": 1 }) };
    const result = await train(stuck, { out: join(folder, "b.gguf"), budget: { steps: 100 }, rate: 1e-3, patience: 3 });
    expect(result.reason).toBe("patience");
    expect(result.steps).toBeLessThan(25);
    await expect(train(task, { out: join(folder, "c.gguf"), budget: {}, rate: 1 })).rejects.toThrow(/needs a budget/);
  });
});

describe("texts as data", () => {
  /** A token a character; BOS 1000, EOS 1001. */
  const tokenizer = {
    endOfGeneration: [1001],
    encode: (text: string, options: { addSpecial?: boolean } = {}) =>
      Int32Array.from([...(options.addSpecial ? [1000] : []), ...Buffer.from(text)]),
  } as never;

  test("answers alone are learned, plain texts wholly, long prompts lose their beginning", async () => {
    const path = join(folder, "data.jsonl");
    writeFileSync(path, `${JSON.stringify({ text: "abcdef" })}\n\n`);
    appendFileSync(path, `${JSON.stringify({ prompt: "question", completion: "yes" })}\n`);
    appendFileSync(path, `${JSON.stringify({ instruction: "say", input: "x", output: "z" })}\n`);
    const documents = await readDocuments(path, { tokenizer });
    const samples = makeSamples(documents, 8, { tokenizer });
    const text = ({ tokens }: { tokens: Int32Array }) =>
      [...tokens].map((t) => (t === 1000 ? "<" : t === 1001 ? ">" : String.fromCharCode(t))).join("");
    expect(samples.map((s) => [text(s), s.learnFrom])).toEqual([
      ["stionyes>", 5],
      ["say\n\nx\n\nz>".slice(-9), 7],
      ["<abcdef>", 1],
    ]);
    const { train: learned, heldOut } = splitHeldOut(documents, 0.3, new Random(1));
    expect([learned.length, heldOut.length]).toEqual([2, 1]);
    expect(learned).not.toContain(heldOut[0]);
    writeFileSync(path, '{"prompt": "q"}\n');
    await expect(readDocuments(path, { tokenizer })).rejects.toThrow(/data.jsonl:1.*completion/);
  });

  test("plain text is parted at empty lines", async () => {
    const path = join(folder, "data.txt");
    writeFileSync(path, "one\ntwo\n\nthree\n");
    expect(await readDocuments(path, { tokenizer })).toEqual([{ text: "one\ntwo" }, { text: "three" }]);
    expect(readFileSync(path, "utf8")).toContain("three");
  });
});
