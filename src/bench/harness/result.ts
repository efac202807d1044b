import { type Interval, pairedSpeedup } from "./bootstrap.ts";
import type { Machine } from "./machine.ts";

/** One prompt, all its turns and repeats: what a method took. */
export interface PromptMeasurement {
  readonly subtask: string;
  /** Tokens per second of prefill and decoding, and of decoding alone; mean over the repeats. */
  readonly speed: number;
  readonly decodeSpeed: number;
  readonly emitted: number;
  readonly rounds: number;
}

export interface Cell extends Interval {
  /** Tokens a round, the target's own one included. */
  readonly meanEmitted: number;
  /** Prefill included, as in Spec-Bench. */
  readonly tokensPerSecond: number;
  /** The same of decoding alone: the part that drafting can speed up. */
  readonly decode: Interval & { readonly tokensPerSecond: number };
}

export interface ReplayCell extends Interval {
  readonly meanEmitted: number;
}

export interface BySubtask<T> {
  readonly subtasks: Readonly<Record<string, T>>;
  readonly overall: T;
}

/** What recorded proposals would have given under a cost curve, decoding alone. */
export interface ReplayResult extends BySubtask<ReplayCell> {
  readonly curve: string;
  readonly assumption: string;
  readonly methods: Readonly<Record<string, BySubtask<ReplayCell>>>;
}

export interface BenchResult {
  readonly machine: Machine;
  /** One-minute load average when the run began. */
  readonly load: number;
  readonly numerics: "exact" | "fast";
  readonly model: { readonly name: string; readonly hash: string; readonly threads: number; readonly device: string };
  readonly settings: Readonly<Record<string, unknown>>;
  readonly prompts: number;
  readonly skipped: readonly Skip[];
  /** Texts of a method that were not the plain one; must be 0 in exact numerics. */
  readonly differing: Readonly<Record<string, number>>;
  readonly methods: Readonly<Record<string, BySubtask<Cell>>>;
  /** Null where nothing was surveyed. */
  readonly oracle: ReplayResult | null;
}

export interface Skip {
  /** Number of the prompt in the file, from 1. */
  readonly prompt: number;
  readonly subtask: string;
  /** The one method that could not run it; absent = the prompt was left out for all. */
  readonly method?: string;
  readonly reason: string;
}

/** `method[i]` and `plain[i]` are of prompt i; undefined where the method could not run. */
export function summarise(
  method: readonly (PromptMeasurement | undefined)[],
  plain: readonly PromptMeasurement[],
): BySubtask<Cell> | undefined {
  const pairs = plain.flatMap((p, i) => (method[i] ? [{ method: method[i], plain: p }] : []));
  if (pairs.length === 0) return undefined;
  return bySubtask(pairs, ({ plain }) => plain.subtask, cell);
}

type Pair = { readonly method: PromptMeasurement; readonly plain: PromptMeasurement };

function cell(pairs: readonly Pair[]): Cell {
  const of = (side: keyof Pair, value: "speed" | "decodeSpeed" | "emitted" | "rounds") =>
    pairs.map((pair) => pair[side][value]);
  return {
    ...pairedSpeedup(of("method", "speed"), of("plain", "speed")),
    meanEmitted: sum(of("method", "emitted")) / sum(of("method", "rounds")),
    tokensPerSecond: mean(of("method", "speed")),
    decode: {
      ...pairedSpeedup(of("method", "decodeSpeed"), of("plain", "decodeSpeed")),
      tokensPerSecond: mean(of("method", "decodeSpeed")),
    },
  };
}

/** Groups in the order of their first appearance, and all together. */
export function bySubtask<T, C>(
  items: readonly T[],
  subtask: (item: T) => string,
  summary: (items: readonly T[]) => C,
): BySubtask<C> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(subtask(item), [...(groups.get(subtask(item)) ?? []), item]);
  const subtasks = Object.fromEntries([...groups].map(([name, group]) => [name, summary(group)]));
  return { subtasks, overall: summary(items) };
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
