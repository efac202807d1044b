// The trace file: JSON lines. A header, then for every generation a line `generation`, its rounds, and a line `end`.
import type { CurveGrid, RoundReport } from "../../../drafting/index.ts";
import { DraftwrightError } from "../../../errors.ts";
import type { Machine } from "../machine.ts";
import type { Survey } from "../replay.ts";

export interface TraceHeader {
  readonly type: "trace";
  readonly version: 1;
  readonly model: { readonly name: string; readonly hash: string; readonly threads: number; readonly device: string };
  readonly machine: Machine;
  readonly numerics: "exact" | "fast";
  /** Cost curve when the trace began. */
  readonly curve: CurveGrid;
  readonly drafters: readonly string[];
}

export interface TraceGeneration {
  readonly type: "generation";
  readonly id: number;
  /** What was asked for: `auto`, names joined by `+`, or `off`. */
  readonly draft: string;
  readonly survey?: true;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly budget?: number;
  /** Of a bench: number of the prompt (from 1), of the turn (from 0), and the subtask. */
  readonly prompt?: number;
  readonly turn?: number;
  readonly subtask?: string;
  /** Only where texts were asked for. */
  readonly promptText?: string;
}

export interface TraceRound extends RoundReport {
  readonly type: "round";
  readonly id: number;
}

export interface TraceEnd {
  readonly type: "end";
  readonly id: number;
  readonly tokens: number;
  readonly promptTokens: number;
  readonly finishReason: string;
  readonly prefillMs: number;
  readonly decodeMs: number;
}

/** Texts of token ids; only where they were asked for. */
export interface TraceTexts {
  readonly type: "texts";
  readonly texts: Readonly<Record<string, string>>;
}

export type TraceLine = TraceHeader | TraceGeneration | TraceRound | TraceEnd | TraceTexts;

export interface TracedGeneration {
  readonly about: TraceGeneration;
  readonly rounds: readonly TraceRound[];
  /** Missing where the run was interrupted. */
  readonly end?: TraceEnd;
}

export interface Trace {
  readonly header: TraceHeader;
  readonly generations: readonly TracedGeneration[];
  readonly texts: Readonly<Record<string, string>>;
}

/** Throws "bad-argument" with the line that is wrong. A last line that was cut short is left out. */
export function parseTrace(text: string, file: string): Trace {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const refuse = (number: number, what: string): never => {
    throw new DraftwrightError("bad-argument", `${file}, line ${number}: ${what}. Write it anew with --trace-out.`);
  };
  let header: TraceHeader | undefined;
  const generations = new Map<number, { about: TraceGeneration; rounds: TraceRound[]; end?: TraceEnd }>();
  const texts: Record<string, string> = {};
  for (const [i, line] of lines.entries()) {
    const parsed = parseLine(line);
    if (!parsed) {
      if (i === lines.length - 1 && header) break;
      return refuse(i + 1, "not a line of a trace");
    }
    if (!header && parsed.type !== "trace") return refuse(i + 1, "the header of a trace is missing");
    if (parsed.type === "trace") {
      if (parsed.version !== 1) return refuse(i + 1, `version ${parsed.version} of the format is unknown`);
      header ??= parsed;
    } else if (parsed.type === "texts") Object.assign(texts, parsed.texts);
    else if (parsed.type === "generation") generations.set(parsed.id, { about: parsed, rounds: [] });
    else {
      const generation = generations.get(parsed.id) ?? refuse(i + 1, `generation ${parsed.id} was not announced`);
      if (parsed.type === "end") generation.end = parsed;
      else generation.rounds.push(parsed);
    }
  }
  if (!header) return refuse(1, "it is empty");
  return { header, generations: [...generations.values()], texts };
}

function parseLine(line: string): TraceLine | undefined {
  try {
    const value = JSON.parse(line);
    return ["trace", "generation", "round", "end", "texts"].includes(value?.type) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What a surveying generation tells a replay. Throws "bad-argument" when it recorded nothing. */
export function toSurvey(rounds: readonly RoundReport[]): Survey {
  const records = rounds.map(({ record }) => {
    if (record) return record;
    throw new DraftwrightError("bad-argument", "The rounds of this trace were not recorded. Write it anew.");
  });
  return {
    kv: records[0]?.kv ?? 0,
    emitted: rounds.map(({ emitted }) => emitted[0].token),
    offers: records.map(({ offers }) => offers),
  };
}
