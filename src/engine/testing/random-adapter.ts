import { Backend, openGguf } from "../../ggml/index.ts";
import { readConfig } from "../../lm/config.ts";
import { Lora, type LoraSettings, loraDefaults } from "../../lm/training/index.ts";
import { Parameters, saveParameters } from "../../nn/index.ts";

/** Writes a LoRA adapter with random factors for a model to `path`. */
export function writeRandomAdapter(path: string, model: string, settings: Partial<LoraSettings> = {}): void {
  const backend = new Backend(undefined, { threads: 1 });
  using all = new Parameters(backend, 3);
  using gguf = openGguf(model);
  const lora = new Lora(all, readConfig(gguf), { ...loraDefaults, rank: 4, ...settings });
  for (const p of all.all) p.write(Float32Array.from({ length: p.elements }, () => all.random.normal() / 16));
  saveParameters(path, all, lora.metadata);
}
