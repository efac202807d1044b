// Gemma 3: Gemma 2 with an RMS norm on every query and key head, and five windowed layers to each full one.
import type { Architecture } from "./architecture.ts";
import { gemma2 } from "./gemma2.ts";

export const gemma3: Architecture = {
  attention: (ops, layer, x) => {
    const projections = ops.normHeads(layer, ops.project(layer, ops.attentionNorm(layer, x)));
    return ops.add(ops.attentionPostNorm(layer, ops.attend(layer, projections)), x);
  },
  feedForward: gemma2.feedForward,
};
