// One process of a fuzz run: makes its cases one after the other and gives each to the target. The case at hand and all
// results so far are written down before it is run, so that the parent knows what killed the process and loses nothing.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { caseMaker } from "./cases.mjs";

const { seed, first, last, step, folder, dist, target, progress, memoryBytes } = JSON.parse(process.argv[2]);
const { load } = await import(pathToFileURL(target).href);
const file = join(folder, `case-${process.pid}.gguf`);
const make = await caseMaker(folder, dist, join(folder, `scratch-${process.pid}.gguf`));
const EXPECTED = new Set(["bad-model", "unsupported-model", "out-of-memory", "model-not-found"]);

/** Highest resident and virtual size so far, in bytes. Linux only; 0 elsewhere. */
function peaks() {
  if (process.platform !== "linux") return { resident: 0, virtual: 0 };
  const status = readFileSync("/proc/self/status", "latin1");
  const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
  return { resident: of("VmHWM"), virtual: of("VmPeak") };
}

async function run(number, bytes) {
  writeFileSync(file, bytes);
  try {
    await load(file, { number, dist });
    return { outcome: "accepted" };
  } catch (error) {
    if (error?.name === "DraftwrightError" && EXPECTED.has(error.code)) return { outcome: error.code };
    return { outcome: "error", detail: String(error?.stack ?? error) };
  }
}

// Sound files first: they take what a load takes, and a target that refuses them would test nothing.
for (let i = 0; i < 8; i++) {
  const { outcome, detail } = await run(-1 - i, readFileSync(join(folder, `base${i}.gguf`)));
  if (outcome !== "accepted") throw new Error(`the target does not accept base${i}.gguf: ${outcome} ${detail ?? ""}`);
}

const state = { number: first, done: false, outcomes: {}, failures: [] };
const note = () => writeFileSync(progress, JSON.stringify(state));
let before = peaks();
for (let number = first; number < last; number += step) {
  state.number = number;
  note();
  const bytes = make(seed, number);
  const started = performance.now();
  const { outcome, detail } = await run(number, bytes);
  state.outcomes[outcome] = (state.outcomes[outcome] ?? 0) + 1;
  if (outcome === "error") state.failures.push({ number, kind: "unexpected error", detail });
  const after = peaks();
  const grown = Math.max(after.resident - before.resident, (after.virtual - before.virtual) / 4);
  if (grown > memoryBytes + 4 * bytes.length) {
    state.failures.push({
      number,
      kind: "memory",
      detail: `grew by ${(grown / 2 ** 20).toFixed(0)} MiB in ${(performance.now() - started).toFixed(0)} ms`,
    });
  }
  before = after;
}
state.done = true;
note();
// Workers or timers of the target must not keep the process.
process.exit(0);
