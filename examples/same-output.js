// The promise of drafting, checked: the same tokens with and without it, also when they are sampled.
//   node examples/same-output.js [model]
import assert from "node:assert";
import { loadModel } from "draftwright";

const model = await loadModel({ model: process.argv[2] });
const prompt = "Section 1. The Tenant shall pay the rent. Section 2. The Tenant shall";
const options = { maxTokens: 48, temperature: 0.8, seed: 42 };

const plain = await model.generate(prompt, { ...options, draft: "off" }).result;
// A budget drafts in every round, whether it pays or not.
const drafted = await model.generate(prompt, { ...options, draft: "lookup", budget: 4 }).result;

// Where `numerics` says fast, sums are rounded differently in wide passes, and texts may part ways.
if (drafted.drafting.numerics === "exact") assert.deepEqual(drafted.tokenIds, plain.tokenIds);
console.log(`${drafted.tokens} tokens, numerics ${drafted.drafting.numerics}`);
console.log(`passes of the model: ${plain.drafting.rounds} plain, ${drafted.drafting.rounds} drafted`);
await model.dispose();
