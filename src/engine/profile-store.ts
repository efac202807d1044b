import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { arch, cpus, homedir, platform } from "node:os";
import { join } from "node:path";
import { Calibration, type CurveGrid, MeasuredCurve } from "../drafting/index.ts";
import { replaceFile } from "../files.ts";

/** What makes measured times comparable: the weights, the machine, and how the kernels run. */
export interface ProfileKey {
  readonly modelHash: string;
  readonly device: string;
  readonly threads: number;
  readonly numerics: string;
}

/** What was learned about one model on this machine. */
export interface Profile {
  readonly curve: CurveGrid;
  readonly calibration: Calibration;
  /** Whether rows were found to be the same alone and among others (`proveNumerics`); null = not tried. */
  readonly exact: boolean | null;
}

/** `$XDG_CACHE_HOME/draftwright/profiles`, by default under ~/.cache. */
export function profileFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "draftwright", "profiles");
}

/** Null when nothing (readable) is there: a profile can always be measured again. */
export function readProfile(folder: string, key: ProfileKey): Profile | null {
  try {
    const saved = JSON.parse(readFileSync(profilePath(folder, key), "utf8"));
    return {
      curve: new MeasuredCurve(saved.curve).toJSON(),
      calibration: Calibration.fromJSON(saved.calibration),
      exact: typeof saved.exact === "boolean" ? saved.exact : null,
    };
  } catch {
    return null;
  }
}

/** A folder that cannot be written is no error. */
export function writeProfile(folder: string, key: ProfileKey, profile: Profile): void {
  try {
    replaceFile(profilePath(folder, key), JSON.stringify({ ...key, machine: machine(), ...profile }));
  } catch {
    // What was learned is lost with this run, no more.
  }
}

function profilePath(folder: string, key: ProfileKey): string {
  const identity = [key.modelHash, machine(), key.device, key.threads, key.numerics].join("\n");
  return join(folder, `${createHash("sha256").update(identity).digest("hex").slice(0, 32)}.json`);
}

function machine(): string {
  const cores = cpus();
  return `${platform()}-${arch()} ${cores[0]?.model ?? "unknown processor"} x ${cores.length}`;
}
