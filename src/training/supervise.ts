// Training runs in a child process: a failed assertion inside ggml ends the process it happens in.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { DraftwrightError } from "../errors.ts";

const CHILD = "DRAFTWRIGHT_TRAINING_CHILD";

/** True in the process that does the work. */
export const isTrainingChild = (): boolean => process.env[CHILD] === "1";

/**
 * Runs this very command again as a child that does the work, with our terminal as its own, and waits. Signals that reach
 * only us are passed on. Returns its exit code; throws `native-failed` when it was killed.
 */
export async function superviseChild(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { ...process.env, [CHILD]: "1" },
  });
  // Ctrl-C on a terminal reaches the child too; it saves and ends, and we wait for it.
  const ignore = () => {};
  const pass = () => child.kill("SIGINT");
  process.on("SIGINT", ignore);
  process.on("SIGTERM", pass);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (...end) => resolve(end));
    });
    if (code !== null) return code;
    if (signal === "SIGINT") return 128 + constants.signals.SIGINT;
    throw new DraftwrightError(
      "native-failed",
      `the training process was ended by ${signal}; --resume goes on from what it saved last, at most half a minute ago`,
    );
  } finally {
    process.off("SIGINT", ignore);
    process.off("SIGTERM", pass);
  }
}
