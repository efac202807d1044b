// Runs the command as a user does: the committed shim, in a process of its own, on a generated model of a few kilobytes.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeRandomModel } from "../../src/lm/testing/index.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A folder with the model `tiny` and a draft model `tiny-draft` of the same vocabulary; saved profiles go there too. */
export function workplace() {
  const folder = mkdtempSync(join(tmpdir(), "draftwright-test-"));
  const shape = { architecture: "llama", contextLength: 512, weightType: "Q8_0" } as const;
  writeRandomModel(join(folder, "tiny.gguf"), { ...shape, layerCount: 2 });
  writeRandomModel(join(folder, "tiny-draft.gguf"), { ...shape, layerCount: 1, seed: 2 });
  const env = { ...process.env, DRAFTWRIGHT_MODELS: folder, XDG_CACHE_HOME: folder, HF_HUB_CACHE: join(folder, "hub") };
  return { folder, env, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number | undefined;
  readonly outcome: Promise<Outcome>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the first output on stdout. */
  readonly firstOutput: Promise<void>;
}

/** Starts `node <args>` in the repository; `input` is its whole standard input. */
export function startNode(args: readonly string[], env: NodeJS.ProcessEnv, input = ""): Running {
  const child = spawn(process.execPath, args, { cwd: root, env });
  let stdout = "";
  let stderr = "";
  const firstOutput = new Promise<void>((resolve) => {
    child.stdout.once("data", () => resolve());
  });
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
  });
  child.stdin.on("error", () => {}); // it may end without reading
  child.stdin.end(input);
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { pid: child.pid, outcome, firstOutput, kill: (signal) => child.kill(signal) };
}

export function command(args: readonly string[], env: NodeJS.ProcessEnv, input?: string): Promise<Outcome> {
  return startNode(["bin/draftwright.js", ...args], env, input).outcome;
}
