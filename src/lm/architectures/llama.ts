// Llama, and with it Mistral and SmolLM: pre-norm, rotary attention with shared key and value heads, SwiGLU.
import type { Architecture } from "./architecture.ts";

export const llama: Architecture = {
  attention: (ops, layer, x) => ops.add(x, ops.attend(layer, ops.project(layer, ops.attentionNorm(layer, x)))),
  feedForward: (ops, layer, x) => ops.add(x, ops.feedForward(layer, ops.feedForwardNorm(layer, x))),
};
