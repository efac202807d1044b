// Transformer architectures, one file each, named like `general.architecture` of the GGUF file.
import type { Architecture as ArchitectureName } from "../config.ts";
import type { Architecture } from "./architecture.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3 } from "./gemma3.ts";
import { llama } from "./llama.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";

export type { Architecture, OpSet, Projections } from "./architecture.ts";

export const architectures: Readonly<Record<ArchitectureName, Architecture>> = {
  llama,
  qwen2,
  qwen3,
  gemma2,
  gemma3,
  phi3,
};
