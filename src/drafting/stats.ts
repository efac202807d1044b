import type { Numerics } from "../lm/model.ts";
import type { RoundReport } from "./round-report.ts";

/** Proposed and accepted nodes of one drafter. */
interface SourceCounts {
  proposed: number;
  accepted: number;
}

/** The `drafting` object of the command's JSON output. */
export interface DraftingReport {
  readonly rounds: number;
  /** Nodes verified by the target. */
  readonly proposed: number;
  /** Emitted tokens that a drafter proposed; the target's own token of each round is not counted. */
  readonly accepted: number;
  /** Emitted tokens a round, the target's own one included. 0 before the first round. */
  readonly meanEmitted: number;
  readonly bySource: Readonly<Record<string, SourceCounts>>;
  readonly numerics: Numerics;
}

/** Sums the rounds of one or several generations. */
export class Stats {
  rounds = 0;
  emitted = 0;
  proposed = 0;
  accepted = 0;
  draftMs = 0;
  /** Milliseconds and number of target forwards, by width. */
  readonly verifyByWidth = new Map<number, { rounds: number; ms: number }>();
  readonly bySource: Record<string, SourceCounts> = {};
  private readonly numerics: Numerics;

  /** `drafters`: names that appear in the report even if they never propose anything. */
  constructor(numerics: Numerics, drafters: readonly string[]) {
    this.numerics = numerics;
    for (const name of drafters) this.bySource[name] = { proposed: 0, accepted: 0 };
  }

  add({ emitted, trace }: RoundReport): void {
    this.rounds++;
    this.emitted += emitted.length;
    this.accepted += trace.accepted;
    this.draftMs += trace.draftMs;
    let verify = this.verifyByWidth.get(trace.width);
    if (!verify) {
      verify = { rounds: 0, ms: 0 };
      this.verifyByWidth.set(trace.width, verify);
    }
    verify.rounds++;
    verify.ms += trace.verifyMs;
    for (const [name, count] of Object.entries(trace.proposed)) {
      this.proposed += count;
      this.of(name).proposed += count;
    }
    for (const { source } of emitted) if (source !== "target") this.of(source).accepted++;
  }

  toJSON(): DraftingReport {
    return {
      rounds: this.rounds,
      proposed: this.proposed,
      accepted: this.accepted,
      meanEmitted: this.rounds === 0 ? 0 : this.emitted / this.rounds,
      bySource: this.bySource,
      numerics: this.numerics,
    };
  }

  private of(name: string): SourceCounts {
    this.bySource[name] ??= { proposed: 0, accepted: 0 };
    return this.bySource[name];
  }
}
