import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";

beforeAll(() => {
  const build = `import(${JSON.stringify(join(import.meta.dirname, "../../scripts/build.mjs"))}).then((b) => b.buildIfStale())`;
  const { status, stderr } = spawnSync(process.execPath, ["-e", build], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}, 120_000);

/** Megabytes by which the resident memory grows from the first measurement to the last. */
function growth(cycle: "load" | "fail", count: number, every: number): number {
  const command = ["--expose-gc", join(import.meta.dirname, "cycles.mjs"), cycle, String(count), String(every)];
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const resident: number[] = JSON.parse(stdout);
  expect(resident).toHaveLength(count / every);
  return (resident[resident.length - 1] - resident[0]) / 1e6;
}

test("1,000 cycles of load, forward and dispose keep no memory", () => {
  expect(growth("load", 1000, 200)).toBeLessThan(10);
}, 120_000);

test("a load that fails half-way keeps nothing", () => {
  expect(growth("fail", 150, 50)).toBeLessThan(10);
}, 120_000);
