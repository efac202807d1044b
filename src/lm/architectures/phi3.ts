// Phi 3: the Llama block over one fused projection matrix and one fused gate-and-up matrix.
import type { Architecture } from "./architecture.ts";
import { llama } from "./llama.ts";

export const phi3: Architecture = llama;
