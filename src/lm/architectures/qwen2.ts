// Qwen 2 and 2.5: the Llama block; the biases of queries, keys and values come with the projections.
import type { Architecture } from "./architecture.ts";
import { llama } from "./llama.ts";

export const qwen2: Architecture = llama;
