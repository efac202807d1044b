// Ouroboros and lookahead beside plain drafting with a small model and lookup, on the embedded family, with fixed budgets:
// forwards of the target, tokens a forward, forwards of the small model. Every method runs the prompts twice; what keeps a
// pool has it warm in the second pass. Times are an indication only: methods do not run in turn.
//   node dist/bench/phrases.js [--json] [--threads N] [--tokens N]
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  type Drafter,
  Generation,
  lookaheadDrafter,
  lookupDrafter,
  modelDrafter,
  type OuroborosOptions,
  ouroborosDrafter,
  PhrasePool,
} from "../drafting/index.ts";
import { type LoadedModel, loadLanguageModel } from "../lm/load.ts";
import type { LanguageModel } from "../lm/model.ts";
import { machine } from "./harness/machine.ts";
import { root } from "./models.ts";
import { clauseRevisions, fileEdits } from "./workloads.ts";

const contracts = [
  "The Contractor shall maintain insurance in the amounts set forth in Exhibit B. The Contractor shall furnish",
  "Each party shall keep the Confidential Information of the other party in confidence and shall not disclose",
  "Neither party shall be liable for any delay or failure to perform caused by events beyond its reasonable control, including",
  "This Agreement shall be governed by and construed in accordance with the laws of the State of New York. Any dispute",
];

interface Method {
  readonly budget: number;
  make(small: LanguageModel, pool: PhrasePool): Drafter;
}

const ouroboros = (budget: number, options: OuroborosOptions, withModel = true): Method => ({
  budget,
  make: (small, pool) => ouroborosDrafter({ ...options, pool, ...(withModel && { model: small }) }),
});

/** What was published: phrases come from verification alone, and only lengthen what the small model drafts. */
const paper = { text: false, alone: false } as const;

const methods: Record<string, Method> = {
  "lookup, 7 nodes": { budget: 7, make: () => lookupDrafter() },
  "model, 4 tokens": { budget: 4, make: (model) => modelDrafter({ model, branches: 1 }) },
  "model, 7 tokens": { budget: 7, make: (model) => modelDrafter({ model, branches: 1 }) },
  "ouroboros of the paper, 4 + 1 x 3": ouroboros(7, { ...paper, suffixes: 1 }),
  "ouroboros of the paper, 4 + 3 x 3": ouroboros(13, paper),
  "ouroboros of the paper, learn A": ouroboros(13, { ...paper, learn: "A" }),
  "ouroboros of the paper, 2 + 3 x 3": ouroboros(11, { ...paper, gamma: 2 }),
  "ouroboros, 4 + 1 x 3": ouroboros(7, { suffixes: 1 }),
  "ouroboros, 4 + 3 x 3": ouroboros(13, {}),
  "ouroboros, no model": ouroboros(13, {}, false),
  "lookahead, W 4 N 4 G 3": { budget: 20, make: (_, pool) => lookaheadDrafter({ pool }) },
};

interface Pass {
  tokens: number;
  targetForwards: number;
  smallForwards: number;
  proposed: number;
  accepted: number;
  seconds: number;
  readonly text: number[];
}

function main(): void {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean" },
      threads: { type: "string", default: "1" },
      tokens: { type: "string", default: "128" },
    },
  });
  const where = machine();
  process.stderr.write(`${where.cpu}, ${where.cores} cores, node ${where.node}, ${where.native}, load ${where.load}\n`);
  const open = (file: string) =>
    loadLanguageModel(join(root, "models", file), { threads: Number(values.threads), contextLength: 1024 });
  using target = open("embedded-target.Q8_0.gguf");
  using small = open("embedded-drafter.Q8_0.gguf");
  const rows: Record<string, Record<string, Pass[]>> = {};
  for (const [kind, texts] of Object.entries({ revise: clauseRevisions, contract: contracts, code: fileEdits })) {
    const prompts = texts.map((text) => target.tokenizer.encode(String(text), { addSpecial: true }));
    rows[kind] = {};
    let plain: readonly number[] = [];
    for (const [name, method] of Object.entries({ plain: null, ...methods })) {
      const pool = new PhrasePool({ vocabSize: target.model.vocabSize });
      const passes = [0, 1].map(() => run(target, small.model, prompts, method, pool, Number(values.tokens)));
      if (!method) plain = passes[0].text;
      else if (passes.some(({ text }) => text.join() !== plain.join())) throw new Error(`${name} changed the text`);
      rows[kind][name] = passes.map(({ text, ...counts }) => ({ ...counts, text: [] }));
      (values.json ? process.stderr : process.stdout).write(line(kind, name, passes));
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine: where, ...values, rows }, null, 2)}\n`);
}

function run(
  target: LoadedModel,
  small: LanguageModel,
  prompts: readonly Int32Array[],
  method: Method | null,
  pool: PhrasePool,
  maxTokens: number,
): Pass {
  const pass: Pass = {
    tokens: 0,
    targetForwards: 0,
    smallForwards: 0,
    proposed: 0,
    accepted: 0,
    seconds: 0,
    text: [],
  };
  const counted: LanguageModel = {
    vocabSize: small.vocabSize,
    layerCount: small.layerCount,
    hiddenSize: small.hiddenSize,
    contextLength: small.contextLength,
    numerics: small.numerics,
    open: (options) => small.open(options),
    forward(batch) {
      pass.smallForwards++;
      return small.forward(batch);
    },
    [Symbol.dispose]() {},
  };
  for (const promptTokens of prompts) {
    const generation = new Generation({
      model: target.model,
      sequence: target.model.open(),
      promptTokens,
      sampling: { temperature: 0 },
      seed: 0,
      maxTokens,
      stopTokens: new Set(target.tokenizer.endOfGeneration),
      drafters: method ? [method.make(counted, pool)] : [],
      policy: method ? { mode: "forced", budget: method.budget } : { mode: "off" },
    });
    while (generation.prefillStep(256) > 0);
    const start = performance.now();
    while (!generation.finishReason) {
      const { emitted, trace } = generation.step();
      pass.targetForwards++;
      pass.tokens += emitted.length;
      pass.accepted += trace.accepted;
      for (const count of Object.values(trace.proposed)) pass.proposed += count;
      pass.text.push(...emitted.map(({ token }) => token));
    }
    pass.seconds += (performance.now() - start) / 1000;
    generation.close();
  }
  return pass;
}

function line(kind: string, name: string, passes: readonly Pass[]): string {
  const cells = passes.map(({ tokens, targetForwards, smallForwards, proposed, accepted, seconds }) =>
    [
      `${targetForwards} forwards`,
      `${(tokens / targetForwards).toFixed(2)} tokens each`,
      `${proposed > 0 ? ((100 * accepted) / proposed).toFixed(0) : 0} % kept`,
      `${smallForwards} small`,
      `${(tokens / seconds).toFixed(0)} t/s`,
    ].join(", "),
  );
  return `${kind.padEnd(9)} ${name.padEnd(40)} ${cells.join("  |  ")}\n`;
}

main();
