/** Share of the balance that survives each drafting round: about 20 rounds are remembered. */
const decay = 0.95;
/** Drafting rounds before a first verdict, and before one after a pause. */
const trial = 8;
const retrial = 4;
/** After so many drafting rounds in a row one is plain, so that the plain time in the comparison is a measured one. */
const plainEvery = 64;
/** Rounds of a first pause; each further one is twice as long. */
const firstPause = 32;
const longestPause = 1024;
/** Declined offers before one is tried after all: without rounds, neither chances nor widths are ever measured again. */
const firstPatience = 64;

/**
 * Sees to it that drafting does not lose to plain decoding, whatever the estimates say: it compares the milliseconds of
 * drafting rounds with those that plain decoding would have needed for the same tokens, and pauses drafting while the
 * balance is negative. One guard serves all generations of a target, so that what was learned is not paid for again.
 */
export class Guard {
  /** Why the next round must not draft; null = it may. */
  reason: "slower-than-plain" | "plain-baseline" | null = null;
  private plainMs = 0;
  private draftingMs = 0;
  private rounds = 0;
  private needed = trial;
  private pause = firstPause;
  private pauseLeft = 0;
  private streak = 0;
  private patience = firstPatience;
  private declined = 0;
  private probing = false;

  /** The market declined all offers. True when the best of them should be tried all the same. */
  probe(): boolean {
    if (++this.declined < this.patience) return false;
    this.declined = 0;
    this.probing = true;
    return true;
  }

  /**
   * Accounts for a round. `ms`: what it took; `plainMs`: what plain decoding takes per token here; `expectedMs`: what was
   * expected, a bound on the damage that a hiccup can do, or a drafter that reads a long prompt once for many rounds.
   */
  settle(drafted: boolean, emitted: number, ms: number, expectedMs: number, plainMs: number): void {
    if (!drafted) {
      this.streak = 0;
      this.probing = false;
      if (this.pauseLeft > 0 && --this.pauseLeft > 0) return;
      this.reason = null;
      return;
    }
    const spent = Math.min(ms, 3 * expectedMs);
    if (this.probing) {
      this.probing = false;
      this.patience = emitted * plainMs > spent ? firstPatience : Math.min(2 * this.patience, longestPause);
      return;
    }
    this.plainMs = decay * this.plainMs + emitted * plainMs;
    this.draftingMs = decay * this.draftingMs + spent;
    this.rounds++;
    this.streak++;
    if (this.rounds >= this.needed && this.draftingMs > this.plainMs) this.close();
    else if (this.streak >= plainEvery) this.reason = "plain-baseline";
    if (this.rounds >= plainEvery) this.pause = firstPause;
  }

  private close(): void {
    this.reason = "slower-than-plain";
    this.pauseLeft = this.pause;
    this.pause = Math.min(2 * this.pause, longestPause);
    this.plainMs = 0;
    this.draftingMs = 0;
    this.rounds = 0;
    this.needed = retrial;
  }
}
