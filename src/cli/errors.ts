import { CommanderError } from "commander";
import { DraftwrightError } from "../errors.ts";

/** The exit codes of the command: 0 done, 1 failed, 2 called wrongly, 130 interrupted. */
export const exitCode = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Reports an error on stderr, once, in the words of its message; returns the exit code it asks for. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage;
  if (error instanceof DraftwrightError) {
    if (error.code === "aborted") return exitCode.interrupted;
    process.stderr.write(`draftwright: ${error.message}\n`);
    return error.code === "bad-argument" ? exitCode.usage : exitCode.failed;
  }
  // A defect of ours: whoever reports it needs the stack.
  process.stderr.write(`draftwright: ${error instanceof Error ? error.stack : String(error)}\n`);
  return exitCode.failed;
}
