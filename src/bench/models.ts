// The models a benchmark runs on.
import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { shapeModel } from "../lm/testing/index.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Names and paths: those given as FILE or NAME=FILE, else the embedded target, the GGUF files of DRAFTWRIGHT_MODELS, and a
 * generated Q4_0 model of 1.1B shape.
 */
export function benchModels(given: readonly string[]): [string, string][] {
  if (given.length > 0) {
    return given.map((item) => {
      const [name, path] = item.includes("=")
        ? (item.split("=", 2) as [string, string])
        : [basename(item, ".gguf"), item];
      return [name, resolve(path)];
    });
  }
  const list: [string, string][] = [];
  const embedded = join(root, "models", "embedded-target.Q8_0.gguf");
  if (existsSync(embedded)) list.push(["embedded", embedded]);
  const folder = process.env.DRAFTWRIGHT_MODELS;
  for (const file of folder && existsSync(folder) ? readdirSync(folder) : []) {
    if (file.endsWith(".gguf")) list.push([basename(file, ".gguf").toLowerCase(), join(folder as string, file)]);
  }
  list.push(["1.1b", shapeModel("1.1b")]);
  return list;
}
