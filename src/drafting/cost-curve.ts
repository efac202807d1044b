import { DraftwrightError } from "../errors.ts";
import { nondecreasing } from "./isotonic.ts";

/** Milliseconds of one forward as a function of its width (rows) and of the KV rows it attends to. */
export interface CostCurve {
  /** 0 as long as too little has been measured to say. */
  ms(width: number, kv: number): number;
  /** A real forward took `ms`. */
  observe(width: number, kv: number, ms: number): void;
}

/** A measured grid: ms[i][j] is the time of widths[i] rows after kv[j] committed ones. Both axes strictly increase. */
export interface CurveGrid {
  readonly widths: readonly number[];
  readonly kv: readonly number[];
  readonly ms: readonly (readonly number[])[];
}

/** Forwards remembered per width. Their median ignores up to four hiccups, and follows a lasting change after five. */
const remembered = 9;
/** Where a real time and an inherited one contradict each other, the real one holds. */
const measuredWeight = 100;
/** From here on a width (or a guessed curve as a whole) is trusted. */
const trusted = 5;
/** With fewer forwards, each of them may make a width this much dearer (as a logarithm) than the others say. */
const slackPerForward = 0.2;
/** Smoothing costs tens of microseconds: after the first rounds it waits for this many new ones, later for more. */
const smoothEvery = 8;
const settled = 256;
const smoothRarely = 64;

/**
 * The default curve: a grid (measured when a model was first loaded, or a guess), corrected by real rounds. Each width
 * carries the median of the last few ratios of real time to grid time; a width with few or no rounds leans on the widths
 * around it. So neither a profile taken on a busy machine nor a single hiccup lasts.
 */
export class MeasuredCurve implements CostCurve {
  private readonly grid: CurveGrid;
  /** Logarithms of real time / grid time, oldest first, per grid width. */
  private readonly ratios: number[][];
  private readonly guessed: boolean;
  private smooth: number[][] | null = null;
  private observed = 0;

  /** Throws "bad-argument" when the grid is not one. `guessed`: the grid has the shape, but no unit yet. */
  constructor(grid: CurveGrid, guessed = false) {
    checkGrid(grid);
    this.grid = grid;
    this.guessed = guessed;
    this.ratios = grid.widths.map(() => []);
  }

  ms(width: number, kv: number): number {
    if (this.guessed && this.observed < trusted) return 0;
    this.smooth ??= this.corrected();
    return interpolate(this.grid, this.smooth, width, kv);
  }

  observe(width: number, kv: number, ms: number): void {
    if (!(ms > 0) || width < 1) return;
    const ratios = this.ratios[nearest(this.grid.widths, width)];
    ratios.push(Math.log(ms / interpolate(this.grid, this.grid.ms, width, kv)));
    if (ratios.length > remembered) ratios.shift();
    this.observed++;
    const every = this.observed < settled ? smoothEvery : smoothRarely;
    if (this.observed < 4 * smoothEvery || this.observed % every === 0) this.smooth = null;
  }

  /** The grid as corrected so far, to be saved and given to a new curve. */
  toJSON(): CurveGrid {
    return { widths: this.grid.widths, kv: this.grid.kv, ms: this.corrected() };
  }

  private corrected(): number[][] {
    const { widths, kv, ms } = this.grid;
    const corrections = this.corrections();
    let table = ms.map((row, i) => row.map((value) => value * Math.exp(corrections[i])));
    // More rows, or more context, never cost less: what says otherwise is noise.
    const weights = this.ratios.map((ratios) => (ratios.length > 0 ? measuredWeight : 1));
    const columns = kv.map((_, j) =>
      nondecreasing(
        table.map((row) => row[j]),
        weights,
      ),
    );
    table = widths.map((_, i) =>
      nondecreasing(
        columns.map((column) => column[i]),
        kv.map(() => 1),
      ),
    );
    // Nor can a forward cost more than the narrower forwards that would do the same: a bound on widths not yet seen.
    for (let i = 1; i < widths.length; i++) {
      if (this.ratios[i].length > 0) continue;
      for (let j = 0; j < kv.length; j++) {
        for (let k = 0; k < i; k++) {
          table[i][j] = Math.min(table[i][j], Math.ceil(widths[i] / widths[k]) * table[k][j]);
        }
      }
    }
    return table;
  }

  /** Logarithm of real time / grid time for each width. */
  private corrections(): number[] {
    const known = this.ratios.flatMap((ratios, i) => (ratios.length >= trusted ? [i] : []));
    const medians = known.map((i) => median(this.ratios[i]));
    const all = this.ratios.flat();
    const overall = all.length > 0 ? median(all) : 0;
    const last = known.length - 1;
    return this.ratios.map((ratios, i) => {
      let inherited = overall;
      if (last >= 0) inherited = i >= known[last] ? medians[last] : along(known, i, (k) => medians[k]);
      if (ratios.length === 0) return inherited;
      // One slow forward may have been a hiccup, and then the width would look too dear to be tried again. A fast one is
      // never an accident.
      const slack = ratios.length >= trusted ? Number.POSITIVE_INFINITY : slackPerForward * ratios.length;
      return Math.min(median(ratios), inherited + slack);
    });
  }
}

/** A curve for a model that was never profiled: 30 % of a forward for each further row, until rounds say otherwise. */
export function unmeasuredCurve(): MeasuredCurve {
  const widths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64];
  return new MeasuredCurve({ widths, kv: [0], ms: widths.map((width) => [1 + 0.3 * (width - 1)]) }, true);
}

function checkGrid({ widths, kv, ms }: CurveGrid): void {
  const rising = (axis: readonly number[], least: number) =>
    axis.length > 0 && axis[0] >= least && axis.every((value, i) => Number.isFinite(value) && !(value <= axis[i - 1]));
  const full = ms.length === widths.length && ms.every((row) => row.length === kv.length && row.every((t) => t > 0));
  if (!rising(widths, 1) || !rising(kv, 0) || !full) {
    throw new DraftwrightError(
      "bad-argument",
      "Not a cost curve: axes must rise and every time be positive. Profile again.",
    );
  }
}

/** Bilinear inside the grid; beyond its last width or KV length along the last slope, before the first one constant. */
function interpolate({ widths, kv }: CurveGrid, ms: CurveGrid["ms"], width: number, rows: number): number {
  const at = (i: number) => along(kv, rows, (j) => ms[i][j]);
  return along(widths, width, at);
}

function along(axis: readonly number[], x: number, value: (i: number) => number): number {
  if (axis.length === 1 || x <= axis[0]) return value(0);
  let i = 1;
  while (i < axis.length - 1 && axis[i] < x) i++;
  const low = value(i - 1);
  return low + ((x - axis[i - 1]) / (axis[i] - axis[i - 1])) * (value(i) - low);
}

function nearest(axis: readonly number[], x: number): number {
  let best = 0;
  for (let i = 1; i < axis.length; i++) if (Math.abs(axis[i] - x) < Math.abs(axis[best] - x)) best = i;
  return best;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
