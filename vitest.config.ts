import { defineConfig } from "vitest/config";

const report = process.env.DRAFTWRIGHT_TEST_REPORT;

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Native state lives in the process, so each test file gets a process of its own.
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
  },
});
