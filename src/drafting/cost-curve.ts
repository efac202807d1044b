import { DraftwrightError } from "../errors.ts";
import { nondecreasing } from "./isotonic.ts";
import { LogCorrection } from "./log-correction.ts";

/** Milliseconds of one forward as a function of its width (rows) and of the KV rows it attends to. */
export interface CostCurve {
  /**
   * 0 as long as too little has been measured to say. `optimistic`: as little as it may well be, for widths that have not
   * been tried for long; the default is what to expect.
   */
  ms(width: number, kv: number, optimistic?: boolean): number;
  /** A real forward took `ms`. */
  observe(width: number, kv: number, ms: number): void;
}

/** A measured grid: ms[i][j] is the time of widths[i] rows after kv[j] committed ones. Both axes strictly increase. */
export interface CurveGrid {
  readonly widths: readonly number[];
  readonly kv: readonly number[];
  readonly ms: readonly (readonly number[])[];
}

/** Forwards before a guessed curve has its unit. */
const trusted = 5;
/** How wrong a measured and a guessed grid may be: standard deviation of the logarithm, per doubling of the width. */
const measuredDoubt = 0.25;
const guessedDoubt = 0.5;

/** Times of all grid widths after `kv` rows: those of the grid, or as corrected in `version`. */
interface Column {
  kv: number;
  version: number;
  readonly ms: Float64Array;
}

/**
 * The default curve: a grid (measured when a model was first loaded, or a guess), corrected by real rounds. The correction
 * knows two things apart: how fast the machine is at present, which any round tells for all widths, and by how much each
 * width differs from the grid. So neither a profile taken on a busy machine nor a single hiccup lasts, and a width not
 * seen for a while gets neither dearer nor cheaper than the others.
 */
export class MeasuredCurve implements CostCurve {
  private readonly grid: CurveGrid;
  private readonly correction: LogCorrection;
  /** Logarithms of real / guessed time while a guessed curve has no unit yet. */
  private unit: number[] | null;
  private readonly uncorrected: Column;
  private readonly expected: Column;
  private readonly least: Column;

  /** Throws "bad-argument" when the grid is not one. `guessed`: the grid has the shape, but no unit yet. */
  constructor(grid: CurveGrid, guessed = false) {
    checkGrid(grid);
    this.grid = { ...grid, ms: plausible(grid) };
    this.correction = new LogCorrection(grid.widths, guessed ? guessedDoubt : measuredDoubt);
    this.unit = guessed ? [] : null;
    const column = () => ({ kv: -1, version: -1, ms: new Float64Array(grid.widths.length) });
    this.uncorrected = column();
    this.expected = column();
    this.least = column();
  }

  ms(width: number, kv: number, optimistic = false): number {
    if (this.unit) return 0;
    return interpolate(this.grid.widths, this.column(kv, optimistic).ms, width);
  }

  observe(width: number, kv: number, ms: number): void {
    if (!(ms > 0 && ms < Number.POSITIVE_INFINITY) || width < 1) return;
    const { unit } = this;
    const ratio = Math.log(ms / interpolate(this.grid.widths, this.gridColumn(kv).ms, width));
    if (!unit) {
      this.correction.observe(width, ratio);
      return;
    }
    unit.push(ratio);
    if (unit.length < trusted) return;
    this.correction.reset(unit.sort((a, b) => a - b)[trusted >> 1]);
    this.unit = null;
  }

  /** The grid as corrected so far, to be saved and given to a new curve. */
  toJSON(): CurveGrid {
    const { widths, kv } = this.grid;
    const columns = kv.map((rows) => Array.from(this.column(rows, false).ms));
    return { widths, kv, ms: widths.map((_, i) => kv.map((_, j) => columns[j][i])) };
  }

  /** A round asks for many widths at one KV length. */
  private column(kv: number, optimistic: boolean): Column {
    const { correction } = this;
    const column = optimistic ? this.least : this.expected;
    if (column.kv === kv && column.version === correction.version) return column;
    const { ms } = this.gridColumn(kv);
    column.kv = kv;
    column.version = correction.version;
    let floor = 0;
    for (let i = 0; i < ms.length; i++) {
      // More rows never cost less: what says otherwise is noise.
      floor = Math.max(floor, ms[i] * Math.exp(optimistic ? correction.low(i) : correction.mean(i)));
      column.ms[i] = floor;
    }
    return column;
  }

  private gridColumn(kv: number): Column {
    const { grid, uncorrected } = this;
    if (uncorrected.kv === kv) return uncorrected;
    uncorrected.kv = kv;
    for (let i = 0; i < grid.ms.length; i++) uncorrected.ms[i] = interpolate(grid.kv, grid.ms[i], kv);
    return uncorrected;
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

/**
 * A grid without its worst noise: more rows or more context never cost less, and a forward no more than the narrower ones
 * that would do the same.
 */
function plausible({ widths, kv, ms }: CurveGrid): number[][] {
  const equal = (axis: readonly number[]) => axis.map(() => 1);
  const columns = kv.map((_, j) =>
    nondecreasing(
      ms.map((row) => row[j]),
      equal(widths),
    ),
  );
  const table = widths.map((_, i) =>
    nondecreasing(
      columns.map((column) => column[i]),
      equal(kv),
    ),
  );
  for (let i = 1; i < widths.length; i++) {
    for (let j = 0; j < kv.length; j++) {
      for (let k = 0; k < i; k++) {
        table[i][j] = Math.min(table[i][j], Math.ceil(widths[i] / widths[k]) * table[k][j]);
      }
    }
  }
  return table;
}

/** Linear inside the axis and, along its last slope, beyond; constant before it. */
function interpolate(axis: readonly number[], values: ArrayLike<number>, x: number): number {
  if (axis.length === 1 || x <= axis[0]) return values[0];
  let i = 1;
  while (i < axis.length - 1 && axis[i] < x) i++;
  return values[i - 1] + ((x - axis[i - 1]) / (axis[i] - axis[i - 1])) * (values[i] - values[i - 1]);
}
