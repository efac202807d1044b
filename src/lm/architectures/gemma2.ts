// Gemma 2: norms before and after each sublayer, GeGLU, every other layer attends to a window.
import type { Architecture } from "./architecture.ts";

export const gemma2: Architecture = {
  attention: (ops, layer, x) => {
    const attended = ops.attend(layer, ops.project(layer, ops.attentionNorm(layer, x)));
    return ops.add(ops.attentionPostNorm(layer, attended), x);
  },
  feedForward: (ops, layer, x) =>
    ops.add(ops.feedForwardPostNorm(layer, ops.feedForward(layer, ops.feedForwardNorm(layer, x))), x),
};
