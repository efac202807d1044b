import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Backend, devices, findDevice, Graph, nativePackages, ops, Type } from "./index.ts";

describe("devices", () => {
  test("the CPU is always there, with memory", () => {
    const cpu = findDevice();
    expect(cpu.kind).toBe("cpu");
    expect(cpu.totalBytes).toBeGreaterThan(2 ** 20);
    expect(devices().map((device) => device.name)).toContain(cpu.name);
  });

  test("an unknown device is refused with the list of known ones", () => {
    expect(() => findDevice("tpu")).toThrow(expect.objectContaining({ code: "device-missing" }));
    expect(() => findDevice("tpu")).toThrow(/this machine offers .*CPU/);
  });
});

describe("back ends", () => {
  test.each([
    [{ threads: 0 }, /threads/],
    [{ threads: 1.5 }, /threads/],
    [{ threads: 100000 }, /threads/],
    [{ cores: [-1] }, /cores/],
    [{ cores: [512] }, /cores/],
    [{ poll: 101 }, /poll/],
    [{ poll: Number.NaN }, /poll/],
  ])("%o is refused", (options, message) => {
    expect(() => new Backend(undefined, options)).toThrow(message);
  });

  test("threads, pinned and not, give the same sum", () => {
    const results = [{ threads: 1 }, { threads: 2, poll: 0 }, { threads: 2, cores: [0, 1] }].map((options) => {
      using backend = new Backend(undefined, options);
      using graph = new Graph(backend, 8);
      const x = graph.input<Float32Array<ArrayBuffer>>(Type.F32, 64, 64);
      const y = graph.output(ops.mulMat(graph.context, x.tensor, x.tensor));
      graph.allocate();
      x.array.forEach((_, i) => {
        x.array[i] = i % 7;
      });
      graph.compute();
      return y.array.slice();
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });
});

test("back ends with equal settings share their threads until the last of them is disposed of", () => {
  const count = () => readdirSync("/proc/self/task").length;
  if (!existsSync("/proc/self/task")) return;
  const before = count();
  const first = new Backend(findDevice(), { threads: 3, poll: 7 });
  const one = count();
  const second = new Backend(findDevice(), { threads: 3, poll: 7 });
  expect([one - before, count() - before]).toEqual([2, 2]);
  const third = new Backend(findDevice(), { threads: 3, poll: 8 });
  expect(count() - before).toBe(4);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect(count() - before).toBe(4);
  second[Symbol.dispose]();
  third[Symbol.dispose]();
  expect(count()).toBe(before);
});

describe("finding the libraries", () => {
  test("every supported platform has a package; others have none", () => {
    expect(nativePackages("linux", "x64").at(-1)).toBe("@node-llama-cpp/linux-x64");
    expect(nativePackages("darwin", "arm64")).toEqual(["@node-llama-cpp/mac-arm64-metal"]);
    expect(nativePackages("aix", "ppc64")).toEqual([]);
  });

  const probe = (directory: string) =>
    spawnSync(
      process.execPath,
      ["--input-type=module", "-e", `import { devices } from "draftwright/ggml"; devices();`],
      {
        env: { ...process.env, DRAFTWRIGHT_LIB_DIR: directory },
        encoding: "utf8",
      },
    );

  test("a folder without libraries is named, with what to do", () => {
    const folder = mkdtempSync(join(tmpdir(), "draftwright-no-libraries-"));
    try {
      const run = probe(folder);
      expect(run.status).toBe(1);
      expect(run.stderr).toContain(`${folder} holds no ggml-base library. Point DRAFTWRIGHT_LIB_DIR at`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a folder that does not exist is named", () => {
    expect(probe("/nonexistent/libraries").stderr).toContain(
      "cannot read the native library folder /nonexistent/libraries",
    );
  });
});
