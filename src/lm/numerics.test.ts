import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { quantizeRows } from "../ggml/index.ts";
import { loadLanguageModel } from "./load.ts";
import { proveNumerics } from "./numerics.ts";
import { writeRandomModel } from "./testing/index.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-numerics-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function model(weightType: string): string {
  const path = join(folder, `${weightType}.gguf`);
  writeRandomModel(path, { architecture: "llama", weightType, quantizeRows, contextLength: 1024 });
  return path;
}

describe("rows are the same bits alone and among others", () => {
  // Every type that load.ts calls exact.
  for (const weightType of ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"]) {
    test.each([1, 2])(`${weightType}, %i threads`, (threads) => {
      using loaded = loadLanguageModel(model(weightType), { threads });
      expect(loaded.model.numerics).toBe("exact");
      const proof = proveNumerics(loaded.model);
      expect(proof).toEqual({ exact: true, rows: 3 + 2 * 2 * (2 + 3 + 4 + 5 + 8 + 16 + 33), differing: [] });
    });
  }

  test("the proof notices kernels that depend on the number of rows", () => {
    using loaded = loadLanguageModel(model("F16"), { threads: 2 });
    expect(loaded.model.numerics).toBe("fast");
    const proof = proveNumerics(loaded.model);
    expect(proof.exact).toBe(false);
    expect(proof.differing[0].largest).toBeGreaterThan(0);
  });
});
