// Ends a generation after a number of tokens, by its signal. Its memory is free again within one round.
//   node examples/abort.js [model]
import { DraftwrightError, loadModel } from "draftwright";

const model = await loadModel({ model: process.argv[2] });
const controller = new AbortController();
let seen = 0;
try {
  for await (const { text } of model.generate("Once upon a time", { maxTokens: 1000, signal: controller.signal })) {
    process.stdout.write(text);
    if (++seen === 16) controller.abort();
  }
  console.log("\nended by itself");
} catch (error) {
  if (!(error instanceof DraftwrightError) || error.code !== "aborted") throw error;
  console.log(`\naborted after ${seen} tokens`);
}
await model.dispose();
