import { type ChildProcess, spawn } from "node:child_process";
import { root } from "./command.ts";

export interface ServeProcess {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  /** Everything it has said so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
}

/** `draftwright serve` in a process of its own, on a free port; resolves when it listens. */
export async function startServe(flags: readonly string[], env: NodeJS.ProcessEnv): Promise<ServeProcess> {
  const args = ["bin/draftwright.js", "serve", "--port", "0", ...flags];
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text) => {
      stderr += text;
      const [, found] = /listening on (http:\S+)\n/.exec(stderr) ?? [];
      if (found) resolve(found);
    });
    void exit.then((code) => reject(new Error(`It ended with ${code}: ${stderr}`)));
  });
  return { url, port: Number(new URL(url).port), child, exit, stdout: () => stdout, stderr: () => stderr };
}
