#!/usr/bin/env node
// In a git checkout dist/ is not committed: build it when it is missing or older than src/. A published package has no
// src/, so this only starts the command.
import { existsSync } from "node:fs";

const inCheckout = existsSync(new URL("../src/cli/main.ts", import.meta.url));
try {
  if (inCheckout) (await import("../scripts/build.mjs")).buildIfStale();
} catch (error) {
  console.error(`draftwright: ${error.message}`);
  process.exit(1);
}
const { main } = await import("../dist/cli/main.js");
await main(process.argv.slice(2));
