// Prints what drafting decided in every round, and why.
//   node examples/explain.js [model]
import { loadModel } from "draftwright";

const model = await loadModel({ model: process.argv[2] });
const onRound = ({ emitted, trace }) => {
  const offered = JSON.stringify(trace.offered);
  console.log(`${trace.decision}: ${trace.width - 1} nodes of ${offered}, ${emitted.length} tokens emitted`);
};
await model.generate("one two three four, one two three four, one two", { maxTokens: 16, onRound }).result;
await model.dispose();
