// Streams a text, then says which drafter proposed how many of its tokens.
//   node examples/stream.js [model]
import { loadModel } from "draftwright";

const model = await loadModel({ model: process.argv[2] });
const bySource = {};
for await (const { text, source } of model.generate("The term of this Agreement shall", { maxTokens: 48 })) {
  process.stdout.write(text);
  bySource[source] = (bySource[source] ?? 0) + 1;
}
console.log("\n\ntokens by source:", bySource);
await model.dispose();
