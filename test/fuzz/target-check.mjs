// Fuzz target without native code: reader, configuration, vocabulary checks.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

export async function load(path, { dist }) {
  const { openGguf } = await import(pathToFileURL(join(dist, "ggml/gguf/index.js")).href);
  const { readConfig } = await import(pathToFileURL(join(dist, "lm/config.js")).href);
  const gguf = openGguf(path);
  try {
    readConfig(gguf);
  } finally {
    gguf.close();
  }
}
