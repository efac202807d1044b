// node-llama-cpp as its user would call it: evaluates a prompt of CONTEXT tokens, then times STEPS greedy tokens.
//   node node-llama-cpp.js MODEL THREADS CONTEXT STEPS -> {"msPerToken": ..}
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const [path, threads, context, steps] = process.argv.slice(2).map((value, i) => (i === 0 ? value : Number(value)));
const llama = await getLlama({
  gpu: false,
  build: "never",
  skipDownload: true,
  logLevel: LlamaLogLevel.error,
  maxThreads: threads,
});
const model = await llama.loadModel({ modelPath: path });
const session = await model.createContext({ contextSize: 1024, threads });
const sequence = session.getSequence();
const prompt = Array.from(
  { length: context },
  (_, i) => (i * 7919 + 13) % model.fileInfo.metadata.tokenizer.ggml.tokens.length,
);
const generate = async (count, tokens) => {
  let generated = 0;
  const started = performance.now();
  let first = 0;
  for await (const _ of sequence.evaluate(tokens, { temperature: 0, yieldEogToken: true })) {
    generated++;
    // The first token carries the prompt's evaluation.
    if (generated === 1) first = performance.now();
    if (generated > count) break;
  }
  return { ms: (performance.now() - first) / (generated - 1), started };
};
const { ms } = await generate(steps, prompt);
process.stdout.write(`${JSON.stringify({ msPerToken: ms })}\n`);
process.exit(0);
