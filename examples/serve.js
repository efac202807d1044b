// A server in your own program, and OpenAI's protocol against it.
//   node examples/serve.js [model]
import { loadModel } from "draftwright";
import { serve } from "draftwright/server";

const model = await loadModel({ model: process.argv[2] });
const server = await serve({ model, port: 0, log: { level: "error" } });
const response = await fetch(`${server.url}/v1/chat/completions`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    messages: [{ role: "user", content: "Write a clause on confidentiality." }],
    max_tokens: 32,
    temperature: 0,
  }),
});
const { choices, usage, drafting } = await response.json();
console.log(choices[0].message.content);
console.log(`${usage.completion_tokens} tokens in ${drafting.rounds} rounds`);
await server.close();
await model.dispose();
