import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Native state lives in the process, so each test file gets a process of its own.
    pool: "forks",
    testTimeout: 120_000,
  },
});
