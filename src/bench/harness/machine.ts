// What a report must say about where its numbers come from.
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { libraryDirectory } from "../../ggml/index.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly node: string;
  /** Version of the native package, or its folder when it is no package of ours. */
  readonly native: string;
  /** One-minute load average when the run began: above 0.5 the numbers are doubtful. */
  readonly load: number;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    native: nativeVersion(),
    load: Math.round(loadavg()[0] * 100) / 100,
  };
}

function nativeVersion(): string {
  const directory = libraryDirectory();
  try {
    const { name, version } = JSON.parse(readFileSync(`${directory}/../../package.json`, "utf8"));
    return `${name} ${version}`;
  } catch {
    return "custom build";
  }
}
