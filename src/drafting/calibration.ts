import { DraftwrightError } from "../errors.ts";

/** Deeper nodes share the last cell. */
const depths = 16;
/** Each outcome weighs this much less for every later one: a memory of about 50 outcomes follows a change of text. */
const decay = 0.98;
/** The prior counts as this many outcomes. */
const priorWeight = 4;

/**
 * How often a drafter's nodes were accepted, given that their parents were, by (bucket, depth). What a bucket is, the
 * drafter decides: a match length, a confidence. A cell without data takes the chance of the cell one level up, and the
 * first level the drafter's prior, which should be optimistic: what is never tried is never learned.
 */
export class AcceptanceTable {
  /** Grows with every update: equal versions mean equal chances. */
  version = 0;
  private offered: number[] = [];
  private accepted: number[] = [];

  /** Calibrated chance at `depth` (0 = child of the root). `prior`: expected at depth 0 before anything is known. */
  chance(bucket: number, depth: number, prior: number): number {
    let chance = prior;
    const last = Math.min(depth, depths - 1);
    for (let d = 0; d <= last; d++) {
      const cell = bucket * depths + d;
      const seen = this.offered[cell] ?? 0;
      chance = ((this.accepted[cell] ?? 0) + priorWeight * chance) / (seen + priorWeight);
    }
    return chance;
  }

  /** `chance` at depths 0 .. chances.length - 1. */
  chain(bucket: number, prior: number, chances: Float64Array): void {
    const { offered, accepted } = this;
    let chance = prior;
    for (let d = 0; d < chances.length; d++) {
      const cell = bucket * depths + d;
      if (d < depths) chance = ((accepted[cell] ?? 0) + priorWeight * chance) / ((offered[cell] ?? 0) + priorWeight);
      chances[d] = chance;
    }
  }

  update(bucket: number, depth: number, accepted: boolean): void {
    this.version++;
    const cell = bucket * depths + Math.min(depth, depths - 1);
    while (this.offered.length <= cell) {
      this.offered.push(0);
      this.accepted.push(0);
    }
    this.offered[cell] = this.offered[cell] * decay + 1;
    this.accepted[cell] = this.accepted[cell] * decay + (accepted ? 1 : 0);
  }

  toJSON(): { offered: number[]; accepted: number[] } {
    return { offered: this.offered, accepted: this.accepted };
  }

  static fromJSON(value: unknown): AcceptanceTable {
    const { offered, accepted } = (value ?? {}) as { offered?: unknown; accepted?: unknown };
    const table = new AcceptanceTable();
    const sound = isCounts(offered) && isCounts(accepted) && offered.length === accepted.length;
    if (!sound || offered.some((count, i) => accepted[i] > count)) {
      throw new DraftwrightError("bad-argument", "Not a saved calibration: delete the file and it is learned anew.");
    }
    table.offered = [...offered];
    table.accepted = [...accepted];
    return table;
  }
}

/** The acceptance tables of all drafters of one target, by name; shared by its generations and saved with the model. */
export class Calibration {
  private readonly tables = new Map<string, AcceptanceTable>();

  table(name: string): AcceptanceTable {
    let table = this.tables.get(name);
    if (!table) {
      table = new AcceptanceTable();
      this.tables.set(name, table);
    }
    return table;
  }

  toJSON(): Record<string, unknown> {
    return Object.fromEntries([...this.tables].map(([name, table]) => [name, table.toJSON()]));
  }

  /** Throws "bad-argument" when `value` is not what `toJSON` gave. */
  static fromJSON(value: unknown): Calibration {
    const calibration = new Calibration();
    for (const [name, table] of Object.entries(value ?? {})) {
      calibration.tables.set(name, AcceptanceTable.fromJSON(table));
    }
    return calibration;
  }
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isFinite(count) && count >= 0);
}
