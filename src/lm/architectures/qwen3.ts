// Qwen 3: Llama with an RMS norm on every query and key head.
import type { Architecture } from "./architecture.ts";
import { llama } from "./llama.ts";

export const qwen3: Architecture = {
  attention: (ops, layer, x) => {
    const projections = ops.project(layer, ops.attentionNorm(layer, x));
    return ops.add(x, ops.attend(layer, ops.normHeads(layer, projections)));
  },
  feedForward: llama.feedForward,
};
