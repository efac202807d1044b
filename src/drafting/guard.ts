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
/** Thought about once in so many declined rounds: an offer to try all the same. */
const considerEvery = 16;
/** What asking in vain has cost is charged to the next purchase, up to so many plain rounds. */
const mostCharged = 4;
/** After so many rounds without a purchase the drafters are asked in every second round, in every fourth, in every eighth. */
const idleRounds = [32, 128, 512];

/**
 * What a try of a declined offer is after: the price of wide forwards, where the chances are good, or the chance of a single
 * token. Each has its own savings, or the cheap ones would use up what the dear ones need.
 */
export type Try = "width" | "chance";

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
  /** A curve is least certain when a model was just loaded: its widths may be tried early. */
  private readonly savings: Readonly<Record<Try, Savings>> = { width: new Savings(8), chance: new Savings(0) };
  private declined = 0;
  /** Rounds since something was bought. */
  private idle = 0;

  /** In every how many rounds the drafters are asked. Where nothing pays for long, asking is most of what auto costs. */
  get askEvery(): number {
    return 2 ** idleRounds.filter((rounds) => this.idle >= rounds).length;
  }

  /** The market declined all offers of a round. True when it should look for one to try all the same. */
  decline(plainMs: number): boolean {
    for (const savings of Object.values(this.savings)) savings.add(plainMs);
    return ++this.declined % considerEvery === 0;
  }

  /** Accounts for what drafting took in a round that bought nothing: a source that sells little must be worth the asking. */
  charge(ms: number, plainMs: number): void {
    this.charged = Math.min(this.charged + ms, mostCharged * plainMs);
  }

  /** Whether an offer that costs `ms` more than a plain round is tried now. */
  probe(tried: Try, ms: number): boolean {
    return this.savings[tried].pay(ms);
  }

  /**
   * Accounts for a round. `ms`: what it took; `plainMs`: what plain decoding takes per token here; `expectedMs`: what was
   * expected, a bound on the damage that a hiccup can do, or a drafter that reads a long prompt once for many rounds.
   * `tried`: what was drafted is what `probe` allowed.
   */
  settle(drafted: boolean, emitted: number, ms: number, expectedMs: number, plainMs: number, tried?: Try): void {
    if (!drafted) {
      this.streak = 0;
      this.idle++;
      if (this.pauseLeft > 0 && --this.pauseLeft > 0) return;
      this.reason = null;
      return;
    }
    const saved = emitted * plainMs - Math.min(ms, 3 * expectedMs);
    if (tried) {
      this.savings[tried].settle(saved);
      if (saved > 0) {
        this.idle = 0;
        this.declined = considerEvery - 1;
      } else {
        this.idle++;
      }
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

/** Share of the time that goes into savings, and the least that is left of it. */
const firstShare = 0.05;
const leastShare = 0.001;

/** Milliseconds saved up for tries: a share of the time. Each try in vain halves it; one that pays starts it anew. */
class Savings {
  private share = firstShare;
  private ms = 0;
  private credit: number;

  /** `credit`: plain rounds that are there from the start. */
  constructor(credit: number) {
    this.credit = credit;
  }

  add(plainMs: number): void {
    this.ms += (this.share + this.credit) * plainMs;
    this.credit = 0;
  }

  pay(ms: number): boolean {
    if (ms > this.ms) return false;
    this.ms -= ms;
    return true;
  }

  /** What a try saved may go into the next one, at once. */
  settle(saved: number): void {
    if (saved > 0) {
      this.share = firstShare;
      this.ms += saved;
    } else {
      this.share = Math.max(this.share / 2, leastShare);
    }
  }
}
