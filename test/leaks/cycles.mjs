// node --expose-gc cycles.mjs load|fail COUNT EVERY: loads and disposes of a tiny model COUNT times, and prints the resident
// bytes and those of the JavaScript heap after every EVERY cycles as a JSON array. A process of its own, because other tests would be measured too.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { loadLanguageModel } from "../../dist/lm/load.js";
import { chainBatch } from "../../dist/lm/model.js";
import { writeRandomModel } from "../../dist/lm/testing/index.js";

const cycle = { load, fail }[process.argv[2]];
const [count, every] = process.argv.slice(3).map(Number);
const folder = mkdtempSync(join(tmpdir(), "draftwright-leaks-"));
const path = join(folder, "model.gguf");
const measured = [];
try {
  writeRandomModel(path, { architecture: "llama", layerCount: 1 });
  for (let i = 1; i <= count; i++) {
    cycle();
    // Finalizers of native views run between turns of the event loop.
    await setImmediate();
    if (i % every !== 0) continue;
    globalThis.gc();
    await setImmediate();
    const { rss, heapUsed } = process.memoryUsage();
    measured.push({ rss, heapUsed });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(JSON.stringify(measured));

function load() {
  const loaded = loadLanguageModel(path, { threads: 1 });
  // The sequence stays open: a model that is disposed of must not keep its sequences either.
  const sequence = loaded.model.open({ rows: 64 });
  loaded.model.forward(chainBatch(sequence, [1, 2, 3], "all"));
  sequence.compact([0]);
  loaded.model.forward(chainBatch(sequence, [4], "last"));
  loaded[Symbol.dispose]();
}

/** The weights fit, the KV rows do not: everything taken so far is given back. */
function fail() {
  try {
    loadLanguageModel(path, { threads: 1, kvRows: 2 ** 40 })[Symbol.dispose]();
  } catch (error) {
    if (error.code === "out-of-memory") return;
    throw error;
  }
  throw new Error("A cache of 2^40 rows was given.");
}
