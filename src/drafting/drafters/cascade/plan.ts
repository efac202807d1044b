import type { CostCurve } from "../../cost-curve.ts";
import { type CascadeFigures, forecastCascade } from "./forecast.ts";
import { type KMatrix, startingK, sum } from "./k-matrix.ts";
import { searchK } from "./search.ts";
import type { CascadeStats } from "./stats.ts";

/** Rounds after which K is chosen for the first time; then after twice as many, and so on. */
const firstSearch = 24;
/** A forecast holds for so many rounds, and so many tokens of context. */
const freshRounds = 16;
const kvStep = 128;

interface Forecast {
  readonly rounds: number;
  readonly kv: number;
  readonly k: KMatrix;
  readonly draftMs: Float64Array;
}

/** How a cascade drafts (its K) and what that is expected to cost. Shared by all sequences. */
export class CascadePlan {
  k: KMatrix;
  private readonly stats: CascadeStats;
  private readonly curves: readonly CostCurve[];
  private readonly targetCurve: CostCurve | undefined;
  private nextSearch: number;
  private known: Forecast | null = null;

  constructor(
    stats: CascadeStats,
    curves: readonly CostCurve[],
    k: KMatrix | "auto",
    targetCurve: CostCurve | undefined,
  ) {
    this.stats = stats;
    this.curves = curves;
    this.targetCurve = targetCurve;
    this.k = k === "auto" ? startingK(curves.length + 1) : k;
    this.nextSearch = k === "auto" ? firstSearch : Number.POSITIVE_INFINITY;
  }

  /** Most tokens a round drafts. */
  get nodes(): number {
    return sum(this.k[0]);
  }

  /** A round is over; it had `kv` tokens of context. May change K. */
  settle(kv: number): void {
    this.stats.rounds++;
    if (this.stats.rounds < this.nextSearch) return;
    const figures = this.figures(kv);
    for (let level = 0; level <= this.curves.length; level++) if (!(figures.reviewMs(level, 2) > 0)) return;
    this.nextSearch = 2 * this.stats.rounds;
    const { k } = searchK(figures, { start: this.k, restarts: 1 });
    // What drafts nothing would never be measured again; whether to draft is the market's decision.
    if (sum(k[0]) > 0) this.k = k;
  }

  /** Expected milliseconds until so many tokens are drafted: index 0 .. nodes. */
  draftMs(kv: number): Float64Array {
    const { rounds } = this.stats;
    const { known, k } = this;
    const fresh = known?.k === k && rounds - known.rounds < freshRounds && Math.abs(kv - known.kv) < kvStep;
    if (fresh) return known.draftMs;
    const { draftMs } = forecastCascade(k, this.figures(kv), this.nodes);
    this.known = { rounds, kv, k, draftMs };
    return draftMs;
  }

  figures(kv: number): CascadeFigures {
    const { stats, curves, targetCurve } = this;
    const { calls, ms } = stats.levels[curves.length];
    return {
      models: curves.length,
      acceptance: (reviewer, drafter) => stats.acceptance(reviewer, drafter),
      hitRate: stats.hitRate,
      reviewMs: (level, width) => (level === 0 ? (targetCurve?.ms(width, kv) ?? 0) : curves[level - 1].ms(width, kv)),
      maxGramMs: calls === 0 ? 0 : ms / calls,
    };
  }
}
