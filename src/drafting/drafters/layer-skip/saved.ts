import { DraftwrightError } from "../../../errors.ts";
import type { ThresholdState } from "./threshold.ts";

const format = "draftwright-layer-skip";

/** For what a skip set was searched. Acceptance belongs to the weights, times to all of it. */
export interface SkipSetKey {
  readonly modelHash: string;
  readonly device: string;
  readonly threads: number;
  readonly numerics: string;
}

/** A skip set as it is kept between runs, with what was measured of it. Plain data: JSON. */
export interface SavedSkipSet extends SkipSetKey, ThresholdState {
  readonly skipAttn: readonly number[];
  readonly skipMlp: readonly number[];
  readonly layerCount: number;
  /** Draft length that the speeds below were measured with. */
  readonly maxDraft: number;
  /** Milliseconds of a draft step and of a step of the whole model. */
  readonly draftMs: number;
  readonly stepMs: number;
  /** The texts it was searched on, and the share of drafted tokens accepted by depth, given those before. */
  readonly calibration: { readonly prompts: number; readonly tokens: number; readonly acceptance: readonly number[] };
  /** Drafted and plain decoding of those texts, measured in turns. */
  readonly tokensPerSec: number;
  readonly plainTokensPerSec: number;
  readonly search: {
    readonly objective: string;
    readonly seed: number;
    readonly evaluated: number;
    /** Best speed-up over plain decoding that any set reached in the search, as `objective` says it. */
    readonly ceiling: number;
  };
  readonly verdict: string;
}

export function skipSetText(saved: SavedSkipSet): string {
  return `${JSON.stringify({ format, version: 1, ...saved }, null, 2)}\n`;
}

/** Throws "bad-argument", naming `name`, when `text` is not what `skipSetText` gave. */
export function parseSkipSet(text: string, name: string): SavedSkipSet {
  const refuse = (what: string, cause?: unknown): never => {
    throw new DraftwrightError(
      "bad-argument",
      `${name} is not a saved skip set: ${what}. Make one with draftwright layer-skip search.`,
      { cause },
    );
  };
  let value: Record<string, unknown>;
  try {
    value = Object(JSON.parse(text));
  } catch (cause) {
    return refuse((cause as Error).message, cause);
  }
  if (value.format !== format || value.version !== 1) refuse(`it lacks "format": "${format}", version 1`);
  const layerCount = value.layerCount as number;
  if (!Number.isInteger(layerCount) || layerCount < 1) refuse("layerCount is no number of layers");
  for (const key of ["skipAttn", "skipMlp"]) {
    const layers = value[key];
    const sound = Array.isArray(layers) && layers.every((i) => Number.isInteger(i) && i >= 0 && i < layerCount);
    if (!sound) refuse(`${key} is no list of layers`);
  }
  for (const key of ["gamma", "acceptanceRate"]) {
    if (!inUnit(value[key])) refuse(`${key} is outside of 0..1`);
  }
  for (const key of ["draftMs", "stepMs", "tokensPerSec", "plainTokensPerSec", "maxDraft", "threads"]) {
    if (!(Number.isFinite(value[key]) && (value[key] as number) > 0)) refuse(`${key} is no positive number`);
  }
  for (const key of ["modelHash", "device", "numerics", "verdict"]) {
    if (typeof value[key] !== "string") refuse(`${key} is missing`);
  }
  const acceptance = Object(value.calibration).acceptance;
  if (!Array.isArray(acceptance) || !acceptance.every(inUnit)) refuse("calibration.acceptance is no list of shares");
  if (!Number.isFinite(Object(value.search).ceiling)) refuse("search.ceiling is missing");
  const { format: _, version: __, ...saved } = value;
  return saved as unknown as SavedSkipSet;
}

/** Throws "bad-argument" when the skip set was searched for other weights. */
export function requireSameWeights(saved: SavedSkipSet, modelHash: string): void {
  if (saved.modelHash === modelHash) return;
  throw new DraftwrightError(
    "bad-argument",
    "The skip set was searched for another model, and skip sets do not carry over. Search one for this model: " +
      "draftwright layer-skip search.",
  );
}

/** True when the times in `saved` were measured on such a device, with such threads and numerics. */
export function timesApply(saved: SavedSkipSet, { device, threads, numerics }: Omit<SkipSetKey, "modelHash">): boolean {
  return saved.device === device && saved.threads === threads && saved.numerics === numerics;
}

function inUnit(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= 1;
}
