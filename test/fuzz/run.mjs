#!/usr/bin/env node
// Fuzzes the loading of models: mutated GGUF files, thousands to a child process. Every file must be loaded or refused
// with a proper error: a crash, a hang, a wrong error or memory beyond the file is a failure, saved with its seed.
//
//   npm run build && node test/fuzz/run.mjs --count 10000 --seed 1
//   node test/fuzz/run.mjs --seed 1 --only 4711 --keep /tmp     # writes that case's file
//
// Options: --target FILE (a module with load(path, {number, dist})), --dist DIR, --processes N, --timeout SECONDS,
// --keep DIR (where failing files go), --json.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { caseMaker, writeBases } from "./cases.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    target: { type: "string", default: join(here, "target-load.mjs") },
    dist: { type: "string", default: join(here, "../../dist") },
    processes: { type: "string", default: String(availableParallelism()) },
    timeout: { type: "string", default: "20" },
    keep: { type: "string", default: join(tmpdir(), "draftwright-fuzz") },
    json: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const count = Number(values.count);
const dist = resolve(values.dist);
/** Cases of one child: enough to make its start cheap, few enough to start over soon after a crash. */
const BATCH = 2000;
/** A template that never ends fills the heap of its renderer before its time is over; the rest is for the load itself. */
const MEMORY_BYTES = (64 + 16 + 48) * 2 ** 20;

const folder = mkdtempSync(join(tmpdir(), "draftwright-fuzz-"));
const failures = [];
const outcomes = {};
try {
  await writeBases(folder, dist);
  const make = await caseMaker(folder, dist, join(folder, "scratch.gguf"));
  if (values.only !== undefined) {
    save(make, Number(values.only));
  } else {
    const started = performance.now();
    const processes = Math.max(1, Math.min(Number(values.processes), Math.ceil(count / 50)));
    const lanes = Array.from({ length: processes }, (_, lane) => runLane(lane, processes));
    for (const lane of await Promise.allSettled(lanes)) if (lane.status === "rejected") throw lane.reason;
    failures.sort((a, b) => a.number - b.number);
    for (const failure of failures) failure.file = save(make, failure.number);
    report((performance.now() - started) / 1000);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Runs every `step`-th case from `lane` on, child after child. */
async function runLane(lane, step) {
  for (let first = lane; first < count; ) {
    const last = Math.min(count, first + BATCH * step);
    first = await runBatch(first, last, step, join(folder, `progress-${lane}`));
  }
}

/** Runs cases first, first + step, .. below last in one child; returns the case to go on with. */
async function runBatch(first, last, step, progress) {
  writeFileSync(progress, "");
  const memoryBytes = MEMORY_BYTES;
  const job = { seed, first, last, step, folder, dist, target: resolve(values.target), progress, memoryBytes };
  const child = spawn(process.execPath, ["--max-old-space-size=512", join(here, "child.mjs"), JSON.stringify(job)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      tail = (tail + data).slice(-2000);
    });
  }
  const hung = watch(child, progress);
  const [code, signal] = await new Promise((done) => child.on("close", (...args) => done(args)));
  clearInterval(hung.timer);
  const written = readFileSync(progress, "utf8");
  if (written === "") throw new Error(`The fuzz child ended (${signal ?? code}) before its first case:\n${tail}`);
  const state = JSON.parse(written);
  failures.push(...state.failures);
  for (const [name, n] of Object.entries(state.outcomes)) outcomes[name] = (outcomes[name] ?? 0) + n;
  if (state.done) return first + Math.ceil((last - first) / step) * step;
  const kind = hung.found ? "hang" : "crash";
  failures.push({ number: state.number, kind, detail: `${signal ?? `exit code ${code}`}; ${tail.trim()}` });
  outcomes[kind] = (outcomes[kind] ?? 0) + 1;
  return state.number + step;
}

/** Kills a child whose case has not changed for the time-out. */
function watch(child, progress) {
  let seen = "";
  let since = performance.now();
  const state = { found: false, timer: undefined };
  state.timer = setInterval(() => {
    const now = readFileSync(progress, "utf8");
    if (now !== seen) {
      seen = now;
      since = performance.now();
    } else if (performance.now() - since > Number(values.timeout) * 1000) {
      state.found = true;
      child.kill("SIGKILL");
    }
  }, 200);
  return state;
}

function save(make, number) {
  mkdirSync(values.keep, { recursive: true });
  const path = join(values.keep, `seed${seed}-case${number}.gguf`);
  writeFileSync(path, make(seed, number));
  if (values.only !== undefined) console.log(path);
  return path;
}

function report(seconds) {
  if (values.json) {
    console.log(JSON.stringify({ seed, count, outcomes, failures, seconds }));
  } else {
    const parts = Object.entries(outcomes).map(([name, n]) => `${name} ${n}`);
    console.log(`${count} files, seed ${seed}, ${seconds.toFixed(1)} s: ${parts.join(", ")}`);
    for (const { number, kind, detail, file } of failures)
      console.log(`\ncase ${number}: ${kind} (${file})\n${detail}`);
    console.log(`${failures.length} failures`);
  }
  process.exitCode = failures.length > 0 ? 1 : 0;
}
