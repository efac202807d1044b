import { DraftwrightError } from "../../../errors.ts";
import type { ModelDatabase } from "../../databases/model.ts";
import type { StatisticsDatabase } from "../../databases/statistics.ts";
import type { ContextSettings } from "./context-database.ts";

/** The databases from the most to the least local: this text, this model, any text. */
export const databaseNames = ["context", "model", "statistics"] as const;
export type DatabaseName = (typeof databaseNames)[number];

export interface LookupSettings {
  /** Tokens at the end of the text by which continuations are found; longest first. */
  readonly keyLengths: readonly number[];
  /** A shorter key is looked up only if the longer ones were seen less often than this. */
  readonly enough: number;
  /** Tokens of a continuation. */
  readonly valueLength: number;
  /** Most nodes for one key: the likeliest. */
  readonly maxNodes: number;
  /** Only whole rows, and so many of them for one key. */
  readonly perKey?: number;
}

export interface HierarchyOptions {
  /** The settings of the paper instead of the better ones, but for what the other options say. */
  readonly faithful?: boolean;
  /** Which databases are asked, and in which order. Default: all there are, context first, then model, then statistics. */
  readonly order?: readonly DatabaseName[];
  readonly context?: Partial<ContextSettings>;
  readonly model?: { readonly database: ModelDatabase } & Partial<LookupSettings>;
  readonly statistics?: { readonly database: StatisticsDatabase } & Partial<LookupSettings>;
  /** Paths of the tree. A database is asked only while there are fewer. */
  readonly maxRows?: number;
  /** Nodes of the tree, likewise. */
  readonly maxNodes?: number;
}

export interface HierarchySettings {
  readonly order: readonly DatabaseName[];
  readonly context: ContextSettings;
  readonly model: ({ readonly database: ModelDatabase } & LookupSettings) | undefined;
  readonly statistics: ({ readonly database: StatisticsDatabase } & LookupSettings) | undefined;
  readonly maxRows: number;
  readonly maxNodes: number;
}

type Defaults = Pick<HierarchySettings, "context" | "maxRows" | "maxNodes"> &
  Record<"model" | "statistics", LookupSettings>;

const better: Defaults = {
  context: { keyLengths: [3, 2, 1], perKey: 7, valueLength: 10, ragged: true },
  model: { keyLengths: [3, 2, 1], enough: 8, valueLength: 6, maxNodes: 12 },
  statistics: { keyLengths: [8, 4, 2, 1], enough: 8, valueLength: 10, maxNodes: 16 },
  maxRows: 16,
  maxNodes: 64,
};

/** Source: Cho et al. 2025 (Hierarchy Drafting), G = 7 rows of N - 1 = 4 tokens. */
const faithful: Defaults = {
  context: { keyLengths: [1], perKey: 7, valueLength: 4, ragged: false },
  model: { keyLengths: [1], enough: Number.MAX_SAFE_INTEGER, perKey: 7, valueLength: 4, maxNodes: 1000 },
  statistics: { keyLengths: [2, 1], enough: Number.MAX_SAFE_INTEGER, perKey: 7, valueLength: 4, maxNodes: 64 },
  maxRows: 7,
  maxNodes: 28,
};

/** Fills in defaults. Throws "bad-argument". */
export function hierarchySettings(options: HierarchyOptions): HierarchySettings {
  const defaults = options.faithful ? faithful : better;
  const settings: HierarchySettings = {
    order: options.order ?? databaseNames.filter((name) => name === "context" || options[name]),
    context: { ...defaults.context, ...options.context },
    model: options.model && { ...defaults.model, ...options.model },
    statistics: options.statistics && { ...defaults.statistics, ...options.statistics },
    maxRows: options.maxRows ?? defaults.maxRows,
    maxNodes: options.maxNodes ?? defaults.maxNodes,
  };
  requireOrder(settings);
  requireIntegers("", { maxRows: settings.maxRows, maxNodes: settings.maxNodes });
  for (const name of settings.order) {
    const { keyLengths, valueLength, perKey = 1, maxNodes = 1, enough = 1 } = settings[name] as Partial<LookupSettings>;
    requireIntegers(`${name}.`, { valueLength, perKey, maxNodes, enough });
    keyLengths?.forEach((length, i) => {
      requireIntegers(`${name}.`, { keyLengths: length });
      if (i > 0 && length >= keyLengths[i - 1]) refuse(`${name}.keyLengths must fall, not ${keyLengths}`);
    });
    if (!keyLengths?.length) refuse(`${name}.keyLengths is empty`);
  }
  return settings;
}

function requireOrder({ order, model, statistics }: HierarchySettings): void {
  if (order.length === 0) refuse("order names no database");
  if (new Set(order).size < order.length) refuse(`order names a database twice: ${order}`);
  for (const name of order) {
    if (!databaseNames.includes(name)) refuse(`there is no database "${name}", only ${databaseNames.join(", ")}`);
    if ((name === "model" && !model) || (name === "statistics" && !statistics)) {
      refuse(`order asks the ${name} database, and none is given`);
    }
  }
}

function requireIntegers(prefix: string, values: Record<string, number | undefined>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isInteger(value) || (value as number) < 1) {
      refuse(`${prefix}${name} is ${value}; it must be an integer >= 1`);
    }
  }
}

function refuse(why: string): never {
  throw new DraftwrightError("bad-argument", `hierarchy: ${why}.`);
}
