export interface ParallelStats {
  /** Forwards of the drafter, and tokens it guessed: all of them, the likeliest after each token, and accepted ones. */
  steps: number;
  guessed: number;
  accepted: number;
  /** Rounds that began with guesses at hand, and all rounds. */
  ready: number;
  rounds: number;
  /** Milliseconds in which the drafter was busy, and in which the target waited for it. */
  draftMs: number;
  waitMs: number;
  /** Waits that ended without an answer; texts that were sent again because the two sides did not agree. */
  timeouts: number;
  resyncs: number;
  /** Steps by the number of sequences drafted side by side. */
  sequences: number[];
}

export const noStats = (): ParallelStats => ({
  steps: 0,
  guessed: 0,
  accepted: 0,
  ready: 0,
  rounds: 0,
  draftMs: 0,
  waitMs: 0,
  timeouts: 0,
  resyncs: 0,
  sequences: [],
});
