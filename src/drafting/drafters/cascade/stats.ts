/** What one drafter of a cascade has done. */
export interface LevelStats {
  readonly name: string;
  /** Reviews: one forward each. Of Max-Gram: searches. */
  calls: number;
  /** Tokens of the blocks it was given to review, and those of them it kept. */
  reviewed: number;
  kept: number;
  /** Tokens it answered for when the draft went to the target, and those the target accepted. */
  proposed: number;
  accepted: number;
  ms: number;
}

/** Outcomes that the prior of an acceptance rate counts for. */
const priorWeight = 4;
/** Optimistic: what is never tried is never learned. */
const modelPrior = 0.75;
const maxGramPrior = 0.4;
const hitPrior = 0.8;

/** Counts shared by all sequences of a cascade: statistics to read, and the acceptance rates from which K is chosen. */
export class CascadeStats {
  /** The models, best first, and Max-Gram last. */
  readonly levels: readonly LevelStats[];
  /** Rounds in which something was drafted. */
  rounds = 0;
  /** By reviewer (0 = the target) and drafter: tokens judged, and kept. A block is judged up to its first rejection. */
  private readonly judged: Float64Array;
  private readonly agreed: Float64Array;
  private hits = 0;

  constructor(names: readonly string[]) {
    this.levels = names.map((name) => ({ name, calls: 0, reviewed: 0, kept: 0, proposed: 0, accepted: 0, ms: 0 }));
    this.judged = new Float64Array(names.length ** 2);
    this.agreed = new Float64Array(names.length ** 2);
  }

  judge(reviewer: number, drafter: number, kept: boolean): void {
    const pair = reviewer * this.levels.length + drafter;
    this.judged[pair]++;
    if (kept) this.agreed[pair]++;
  }

  searched(found: boolean): void {
    if (found) this.hits++;
  }

  /** Chance that reviewer r keeps a token of drafter j, given that it kept those before it in the block. */
  acceptance(reviewer: number, drafter: number): number {
    const pair = reviewer * this.levels.length + drafter;
    const prior = drafter === this.levels.length - 1 ? maxGramPrior : modelPrior;
    return (this.agreed[pair] + priorWeight * prior) / (this.judged[pair] + priorWeight);
  }

  /** Share of Max-Gram's searches that found something. */
  get hitRate(): number {
    const { calls } = this.levels[this.levels.length - 1];
    return (this.hits + priorWeight * hitPrior) / (calls + priorWeight);
  }

  /** Tokens that this pair was judged on. */
  evidence(reviewer: number, drafter: number): number {
    return this.judged[reviewer * this.levels.length + drafter];
  }
}
