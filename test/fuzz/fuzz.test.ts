// A slice of the fuzzing of model loading (the whole is `npm run fuzz`), and proof that a run finds faults.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

let keep: string;
beforeAll(() => {
  keep = mkdtempSync(join(tmpdir(), "draftwright-fuzz-test-"));
  const build = `import(${JSON.stringify(join(import.meta.dirname, "../../scripts/build.mjs"))}).then((b) => b.buildIfStale())`;
  const { status, stderr } = spawnSync(process.execPath, ["-e", build], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}, 120_000);
afterAll(() => rmSync(keep, { recursive: true, force: true }));

interface Report {
  outcomes: Record<string, number>;
  failures: { number: number; kind: string; detail: string; file: string }[];
}

function fuzz(...args: string[]): { status: number | null; report: Report; stderr: string } {
  const command = [join(import.meta.dirname, "run.mjs"), "--json", "--keep", keep, ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: "utf8" });
  return { status, report: stdout ? JSON.parse(stdout) : undefined, stderr };
}

test("300 mutated models are loaded or refused properly", () => {
  const { status, report, stderr } = fuzz("--count", "300", "--seed", "11");
  expect(report?.failures ?? stderr).toEqual([]);
  expect(status).toBe(0);
  // Both sides of every check are met.
  expect(report.outcomes.accepted).toBeGreaterThan(15);
  expect(report.outcomes["bad-model"]).toBeGreaterThan(100);
  expect(report.outcomes["unsupported-model"]).toBeGreaterThan(5);
});

test("a crash, a hang, a wrong error and spent memory are found, with the file", () => {
  const target = join(import.meta.dirname, "bad-target.mjs");
  const { status, report } = fuzz("--count", "60", "--seed", "1", "--timeout", "3", "--target", target);
  expect(status).toBe(1);
  const kinds = report.failures.map(({ number, kind }) => [number, kind]);
  const memory = process.platform === "linux" ? [[30, "memory"]] : [];
  expect(kinds).toEqual([[10, "crash"], [20, "hang"], ...memory, [40, "unexpected error"]]);
  expect(report.outcomes).toEqual({ accepted: 57, crash: 1, hang: 1, error: 1 });
  for (const { file } of report.failures) expect(existsSync(file)).toBe(true);
  expect(report.failures.at(-1)?.detail).toContain("TypeError");
});
