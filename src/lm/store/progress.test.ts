import { expect, it } from "vitest";
import { progressLine } from "./index.ts";

const progress = { file: "model-Q4_0.gguf", receivedBytes: 250_000_000, totalBytes: 1e9, bytesPerSecond: 10_000_000 };

it("draws a bar that fits the terminal", () => {
  expect(progressLine(progress, { isTTY: true, columns: 80, color: false })).toBe(
    "\r\u001b[Kmodel-Q4_0.gguf [#####---------------]  25% 250.0 MB/1.0 GB 10.0 MB/s 01:15",
  );
  for (const columns of [60, 80, 200]) {
    const line = progressLine({ ...progress, file: "f".repeat(300) }, { isTTY: true, columns, color: false });
    expect(line.length - "\r\u001b[K".length).toBeLessThan(columns);
  }
});

it("colours only when asked, and stays silent in logs until the end", () => {
  const colour = "\u001b[32m";
  expect(progressLine(progress, { isTTY: true, color: true })).toContain(colour);
  expect(progressLine(progress, { isTTY: true, color: false })).not.toContain(colour);
  expect(progressLine(progress, { isTTY: false, color: false })).toBe("");
  const done = { ...progress, receivedBytes: 1e9 };
  expect(progressLine(done, { isTTY: false, color: false })).toBe("model-Q4_0.gguf 1.0 GB\n");
  expect(progressLine(done, { isTTY: true, color: false })).toMatch(/100% .*00:00\n$/);
  expect(progressLine({ ...progress, bytesPerSecond: 0 }, { isTTY: true, color: false })).toContain("--:--");
  expect(progressLine({ ...progress, totalBytes: 0, receivedBytes: 0 }, { isTTY: true, color: false })).toContain(
    "100%",
  );
});
