// Training runs in a child process: a failed assertion inside ggml ends the process it happens in.
import { spawn } from "node:child_process";
import { DraftwrightError } from "../errors.ts";

const CHILD = "DRAFTWRIGHT_TRAINING_CHILD";

/** True in the process that does the work. */
export const isTrainingChild = (): boolean => process.env[CHILD] === "1";

/** In the child: ends as by Ctrl-C when the parent is gone. */
export function followParent(): void {
  process.channel?.unref();
  process.once("disconnect", () => process.kill(process.pid, "SIGINT"));
}

/**
 * Runs this very command again as a child that does the work, and waits. Returns its exit code; throws `native-failed` when
 * it was killed. Interrupts are passed on: the child has a process group of its own, so that each reaches it once.
 */
export async function superviseChild(): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    detached: process.platform !== "win32",
    env: { ...process.env, [CHILD]: "1" },
  });
  const pass = () => child.kill("SIGINT");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, pass);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (...end) => resolve(end));
    });
    if (code !== null) return code;
    throw new DraftwrightError(
      "native-failed",
      `the training process was ended by ${signal}; --resume goes on from what it saved last, at most half a minute ago`,
    );
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, pass);
  }
}
