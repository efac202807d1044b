/** Weight that older rounds lose with each new one: about 100 drafting rounds are remembered. */
const decay = 0.99;
/** With so many rounds any loss is a verdict; before, it must exceed its standard error. */
const enough = 100;
/** Drafting rounds before a first verdict, and before one after a pause. */
const trial = 8;
const retrial = 4;
/** After so many drafting rounds in a row one is plain, so that the plain time in the comparison is a measured one. */
const plainEvery = 64;
/** Rounds of a first pause; each further one is twice as long. */
const firstPause = 32;
const longestPause = 1024;
/**
 * Share of the time that may go to offers declined but tried all the same: without rounds, neither chances nor widths are
 * ever measured again. Every one in vain halves it. Thought about once in so many declined rounds.
 */
const firstShare = 0.05;
const leastShare = 0.001;
const considerEvery = 16;
/** What asking in vain has cost is charged to the next purchase, up to so many plain rounds. */
const mostCharged = 4;
/** After so many rounds without a purchase the drafters are asked in every second round, in every fourth, in every eighth. */
const idleRounds = [32, 128, 512];

/**
 * Sees to it that drafting does not lose to plain decoding, whatever the estimates say: it compares the milliseconds of
 * drafting rounds with those that plain decoding would have needed for the same tokens, and pauses drafting when that is a
 * loss. One guard serves all generations of a target, so that what was learned is not paid for again.
 */
export class Guard {
  /** Why the next round must not draft; null = it may. */
  reason: "slower-than-plain" | "plain-baseline" | null = null;
  /** Decayed sums over drafting rounds of 1, of the milliseconds saved against plain decoding, and of their squares. */
  private weight = 0;
  private saved = 0;
  private squares = 0;
  private rounds = 0;
  private needed = trial;
  private pause = firstPause;
  private pauseLeft = 0;
  private streak = 0;
  /** Milliseconds of asking since the last purchase. */
  private charged = 0;
  private share = firstShare;
  /** Milliseconds saved up for probes. */
  private allowance = 0;
  private declined = 0;
  /** Rounds since something was bought. */
  private idle = 0;

  /** In every how many rounds the drafters are asked. Where nothing pays for long, asking is most of what auto costs. */
  get askEvery(): number {
    return 2 ** idleRounds.filter((rounds) => this.idle >= rounds).length;
  }

  /** The market declined all offers of a round. True when it should look for one to try all the same. */
  decline(plainMs: number): boolean {
    this.allowance += this.share * plainMs;
    return ++this.declined % considerEvery === 0;
  }

  /** Accounts for what drafting took in a round that bought nothing: a source that sells little must be worth the asking. */
  charge(ms: number, plainMs: number): void {
    this.charged = Math.min(this.charged + ms, mostCharged * plainMs);
  }

  /** Whether an offer that costs `ms` more than a plain round is tried now. */
  probe(ms: number): boolean {
    if (ms > this.allowance) return false;
    this.allowance -= ms;
    return true;
  }

  /**
   * Accounts for a round. `ms`: what it took; `plainMs`: what plain decoding takes per token here; `expectedMs`: what was
   * expected, a bound on the damage that a hiccup can do, or a drafter that reads a long prompt once for many rounds.
   * `probed`: what was drafted is what `probe` allowed.
   */
  settle(drafted: boolean, emitted: number, ms: number, expectedMs: number, plainMs: number, probed = false): void {
    if (!drafted) {
      this.streak = 0;
      this.idle++;
      if (this.pauseLeft > 0 && --this.pauseLeft > 0) return;
      this.reason = null;
      return;
    }
    const saved = emitted * plainMs - Math.min(ms, 3 * expectedMs);
    if (probed) {
      this.settleProbe(saved);
      return;
    }
    this.idle = 0;
    const balance = saved - this.charged;
    this.charged = 0;
    this.weight = decay * this.weight + 1;
    this.saved = decay * this.saved + balance;
    this.squares = decay * this.squares + balance * balance;
    this.rounds++;
    this.streak++;
    if (this.loses()) this.close();
    else if (this.streak >= plainEvery) this.reason = "plain-baseline";
    if (this.rounds >= plainEvery) this.pause = firstPause;
  }

  /** What a probe saved may go into the next one, at once. */
  private settleProbe(saved: number): void {
    if (saved <= 0) {
      this.idle++;
      this.share = Math.max(this.share / 2, leastShare);
      return;
    }
    this.idle = 0;
    this.share = firstShare;
    this.allowance += saved;
    this.declined = considerEvery - 1;
  }

  private loses(): boolean {
    if (this.rounds < this.needed) return false;
    const mean = this.saved / this.weight;
    const variance = Math.max(0, this.squares / this.weight - mean * mean);
    return mean + (this.rounds < enough ? Math.sqrt(variance / this.weight) : 0) < 0;
  }

  private close(): void {
    this.reason = "slower-than-plain";
    this.pauseLeft = this.pause;
    this.pause = Math.min(2 * this.pause, longestPause);
    this.weight = 0;
    this.saved = 0;
    this.squares = 0;
    this.rounds = 0;
    this.needed = retrial;
  }
}
