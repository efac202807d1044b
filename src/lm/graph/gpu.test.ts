// The same model on a GPU device and on the CPU. Runs where a GPU device is present; `npm run test:vulkan` brings the
// Vulkan libraries, for which Mesa's software renderer (Debian's mesa-vulkan-drivers) is GPU enough.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { devices } from "../../ggml/index.ts";
import { modelConformance } from "../conformance.ts";
import { loadLanguageModel } from "../load.ts";
import { chainBatch } from "../model.ts";
import { writeRandomModel } from "../testing/index.ts";

const gpu = devices().find((device) => device.kind === "gpu" || device.kind === "integrated-gpu");
if (!gpu) console.log("skipped: tests on a GPU device (none here; see npm run test:vulkan)");
const folder = mkdtempSync(join(tmpdir(), "draftwright-gpu-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = { hiddenSize: 128, layerCount: 2, feedForwardSize: 256, headCount: 2, headSize: 64, kvHeadCount: 1 };

function model(weightType: string): string {
  const path = join(folder, `${weightType}.gguf`);
  writeRandomModel(path, { architecture: "llama", weightType, ...options });
  return path;
}

describe.skipIf(!gpu)("a GPU device", () => {
  test.each(["F16", "Q8_0", "Q4_0"])("%s gives the CPU's logits", (weightType) => {
    const path = model(weightType);
    using onGpu = loadLanguageModel(path, { device: gpu?.name });
    using onCpu = loadLanguageModel(path, { threads: 1 });
    expect(onGpu.device).toBe(gpu?.name);
    expect(onGpu.model.numerics).toBe("fast");
    const tokens = [1, 50, 90, 130, 170];
    const last = [onGpu, onCpu].map(({ model }) => {
      const sequence = model.open({ rows: 64 });
      model.forward(chainBatch(sequence, tokens, "none"));
      sequence.compact([0, 1, 2, 3, 4]);
      return model
        .forward(chainBatch(sequence, [200], "last"))
        .logits(0)
        .slice();
    });
    const spread = Math.max(...last[1]) - Math.min(...last[1]);
    for (const [i, value] of last[0].entries()) expect(Math.abs(value - last[1][i])).toBeLessThan(0.02 * spread);
  });

  test("exact numerics are refused with the reason", () => {
    const path = model("Q8_0");
    expect(() => loadLanguageModel(path, { device: gpu?.name, numerics: "exact" })).toThrow(/GPU kernels/);
  });

  modelConformance(
    "llama on a GPU device",
    () => loadLanguageModel(model("Q8_0"), { device: gpu?.name, kvRows: 16 * 256 }).model,
    {
      tolerance: 0.2,
    },
  );
});
