// Servers under test, each in a process of its own.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { root } from "../models.ts";

export interface Served {
  readonly url: string;
  stop(): void;
}

export interface ServingOptions {
  /** A GGUF file, or a name; undefined: the embedded model. */
  readonly model?: string;
  readonly threads?: number;
  readonly context?: number;
  /** Texts at once. */
  readonly parallel: number;
}

/** `draftwright serve`. */
export async function startDraftwright({ model, threads, context, parallel }: ServingOptions): Promise<Served> {
  const args = ["serve", "--port", "0", "--parallel", String(parallel), "--queue", "1000", "--log-level", "error"];
  if (model !== undefined) args.push("--model", model);
  if (threads !== undefined) args.push("--threads", String(threads));
  if (context !== undefined) args.push("--context", String(context));
  const child = spawn(process.execPath, [`${root}/bin/draftwright.js`, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const url = await said(child, /listening on (\S+)\n/);
  return { url, stop: () => child.kill("SIGTERM") };
}

/** llama.cpp's server, from a binary of the user's. `context`: of one text. */
export async function startLlamaServer(
  binary: string,
  { model, threads, context = 1024, parallel }: ServingOptions & { readonly model: string },
): Promise<Served> {
  const port = await freePort();
  const args = ["-m", model, "--host", "127.0.0.1", "--port", String(port), "--no-webui"];
  args.push("-np", String(parallel), "-c", String(parallel * context));
  if (threads !== undefined) args.push("-t", String(threads), "-tb", String(threads));
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.resume();
  await said(child, /(server is listening|listening on)/);
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/health`).then(({ ok }) => ok)).valueOf()) await new Promise((r) => setTimeout(r, 100));
  return { url, stop: () => child.kill("SIGTERM") };
}

/** What the binary says of itself. */
export function llamaVersion(binary: string): string {
  const { stdout, stderr } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  return /version: .*/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown version";
}

/** Waits for a line on standard error; returns its first group. */
function said(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-100_000);
      const found = pattern.exec(text);
      if (found) resolve(found[1]);
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`The server ended with ${code}: ${text.slice(-2000)}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
