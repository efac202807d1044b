// The AI SDK over a model in this process: no server, no key. Needs `npm install ai`.
//   node examples/ai-sdk.js [model]
import { streamText } from "ai";
import { loadModel } from "draftwright";
import { createDraftwright } from "draftwright/ai";

const model = await loadModel({ model: process.argv[2] });
const draftwright = createDraftwright(model);
const { textStream, providerMetadata, usage } = streamText({
  model: draftwright(),
  prompt: "Write a clause on confidentiality.",
  maxOutputTokens: 32,
  temperature: 0,
});
for await (const text of textStream) process.stdout.write(text);
const { accepted, rounds } = (await providerMetadata).draftwright;
console.log(`\n\n${(await usage).outputTokens} tokens in ${rounds} rounds, ${accepted} of them drafted`);
await model.dispose();
