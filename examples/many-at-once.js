// Several texts at once on one model: they take turns, round by round, and each is what it would be alone.
//   node examples/many-at-once.js [model]
import { loadModel } from "draftwright";

const model = await loadModel({ model: process.argv[2] });
const topics = ["Confidentiality", "Termination", "Governing law", "Limitation of liability"];
const results = await Promise.all(
  topics.map((topic) => model.generate(`${topic}. The parties agree that`, { maxTokens: 24 }).result),
);
for (const [i, { text, tokens }] of results.entries()) console.log(`${topics[i]} (${tokens} tokens):${text}\n`);
await model.dispose();
