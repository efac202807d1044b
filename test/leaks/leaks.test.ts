import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";

beforeAll(() => {
  const build = `import(${JSON.stringify(join(import.meta.dirname, "../../scripts/build.mjs"))}).then((b) => b.buildIfStale())`;
  const { status, stderr } = spawnSync(process.execPath, ["-e", build], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}, 120_000);

interface Measured {
  readonly rss: number;
  readonly heapUsed: number;
}

function measure(cycle: "load" | "fail", count: number, every: number): Measured[] {
  const command = ["--expose-gc", join(import.meta.dirname, "cycles.mjs"), cycle, String(count), String(every)];
  const { stdout, stderr, status } = spawnSync(process.execPath, command, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const measured: Measured[] = JSON.parse(stdout);
  expect(measured).toHaveLength(count / every);
  return measured;
}

/**
 * Megabytes by which resident memory grows from each third of the run to the next, the lesser of the two: allocators move it
 * by 10 MB up and down, and once up for good; a leak goes on growing.
 */
function growth(measured: readonly Measured[]): number {
  const third = measured.length / 3;
  const [first, second, last] = [0, 1, 2].map((i) => {
    const part = measured.slice(i * third, (i + 1) * third).map(({ rss }) => rss);
    return part.sort((a, b) => a - b)[Math.floor(part.length / 2)];
  });
  return Math.min(second - first, last - second) / 1e6;
}

const heapGrowth = (measured: readonly Measured[]) =>
  (measured[measured.length - 1].heapUsed - measured[0].heapUsed) / 1e6;

test.each([
  ["cycles of load, forward and dispose keep no memory", "load", 1500, 50],
  ["loads that fail half-way keep nothing", "fail", 600, 20],
] as const)("%s", { timeout: 120_000 }, (_, cycle, count, every) => {
  const measured = measure(cycle, count, every);
  expect(growth(measured)).toBeLessThan(5);
  expect(heapGrowth(measured)).toBeLessThan(1);
});
