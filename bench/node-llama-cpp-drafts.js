// node-llama-cpp with one of its token predictors, as a service on standard input and output, greedy.
//   node node-llama-cpp-drafts.js MODEL THREADS CONTEXT plain|lookup|draft [DRAFT_MODEL]
// Each line {"tokens": [..], "maxTokens": n} is answered by {"tokens": [..], "prefillMs": t, "decodeMs": t}.
import { createInterface } from "node:readline";
import { DraftSequenceTokenPredictor, getLlama, InputLookupTokenPredictor, LlamaLogLevel } from "node-llama-cpp";

const [path, threadText, contextText, kind, draftPath] = process.argv.slice(2);
const threads = Number(threadText);
const contextSize = Number(contextText);
const llama = await getLlama({
  gpu: false,
  build: "never",
  skipDownload: true,
  logLevel: LlamaLogLevel.error,
  maxThreads: threads,
});
const model = await llama.loadModel({ modelPath: path });
const context = await model.createContext({ contextSize, threads });
const draftContext =
  kind === "draft"
    ? await (await llama.loadModel({ modelPath: draftPath })).createContext({ contextSize, threads })
    : undefined;
const tokenPredictor = draftContext
  ? new DraftSequenceTokenPredictor(draftContext.getSequence())
  : kind === "lookup"
    ? new InputLookupTokenPredictor()
    : undefined;
const sequence = context.getSequence({ tokenPredictor });

async function answer({ tokens, maxTokens }) {
  await sequence.clearHistory();
  // What LlamaChat and LlamaCompletion do before they evaluate.
  tokenPredictor?.updateInputTokens?.(tokens.slice());
  const out = [];
  const started = performance.now();
  let first = started;
  for await (const token of sequence.evaluate(tokens, { temperature: 0, yieldEogToken: true })) {
    if (out.length === 0) first = performance.now();
    out.push(token);
    if (out.length >= maxTokens || model.isEogToken(token)) break;
  }
  return { tokens: out, prefillMs: first - started, decodeMs: performance.now() - first };
}

process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
process.exit(0);
