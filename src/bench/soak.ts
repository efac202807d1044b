// `npm run bench:soak`: what must hold over time. 100 generations at once on one model finish, an abort at any token frees
// its rows, and memory does not grow over 1,000 cycles of load and dispose. Prints one JSON object; exits 1 when one fails.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadModel, type Model } from "../engine/index.ts";
import { writeRandomModel } from "../lm/testing/index.ts";
import { machine } from "./harness/machine.ts";

const cycles = Number(process.argv[2] ?? 1000);
const growthLimitMB = 10;

const folder = mkdtempSync(join(tmpdir(), "draftwright-soak-"));
// Saved profiles of a model that lives for minutes have no place in the user's cache.
process.env.XDG_CACHE_HOME = folder;
try {
  const path = join(folder, "tiny.gguf");
  writeRandomModel(path, { architecture: "llama", layerCount: 1, contextLength: 256 });
  const open = () => loadModel({ model: path, threads: 1 });
  const model = await open();
  const queue = await manyAtOnce(model);
  const aborts = await abortEverywhere(model);
  await model.dispose();
  const memory = await loadAndDispose(open);
  const ok = queue.finished === 100 && aborts.freed && memory.growthMB <= growthLimitMB;
  console.log(JSON.stringify({ machine: machine(), queue, aborts, memory, ok }, null, 2));
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function manyAtOnce(model: Model) {
  const received = new Int32Array(100);
  const started = performance.now();
  const results = await Promise.all(
    Array.from(received, async (_, i) => {
      const generating = model.generate(`prompt ${i}`, { maxTokens: 16, temperature: 1, seed: i });
      for await (const _token of generating) received[i]++;
      return generating.result;
    }),
  );
  return { finished: results.filter(({ tokens }) => tokens >= 1).length, ms: Math.round(performance.now() - started) };
}

/** The cache has room for one such generation: each can only run if the one before gave its rows back. */
async function abortEverywhere(model: Model) {
  let freed = true;
  for (let at = 1; at <= 32; at++) {
    const controller = new AbortController();
    let seen = 0;
    try {
      for await (const _ of model.generate("x", { maxTokens: 200, signal: controller.signal })) {
        if (++seen === at) controller.abort();
      }
    } catch {
      // aborted, as asked
    }
    freed &&= (await model.generate("x", { maxTokens: 200 }).result).tokens >= 1;
  }
  return { tried: 32, freed };
}

/** Memory is compared between the first fifth and the end, each the median of 50 cycles: collections come when they like. */
async function loadAndDispose(open: () => Promise<Model>) {
  const rss: number[] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    const model = await open();
    await model.generate("x", { maxTokens: 2 }).result;
    await model.dispose();
    rss.push(process.memoryUsage.rss() / 1e6);
  }
  const medianMB = (end: number) => rss.slice(Math.max(0, end - 50), end).sort((a, b) => a - b)[Math.min(50, end) >> 1];
  const early = medianMB(Math.ceil(cycles / 5));
  const late = medianMB(cycles);
  return { cycles, earlyMB: round(early), lateMB: round(late), growthMB: round(late - early) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
