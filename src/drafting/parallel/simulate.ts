// What drafting in parallel would gain on other machines: two cost curves and the drafter's acceptance are enough to play
// it through. One sequence, chains only: what several sequences and runners-up add is left out.

/** A target and a drafter. Every guess is right with the same chance, whatever the others are. */
export interface SimulatedPair {
  /** Milliseconds of a target's forward of `width` rows. */
  readonly targetMs: (width: number) => number;
  /** Milliseconds of a drafter's forward of one row. */
  readonly draftMs: number;
  /** Chance that a guess is the target's token. */
  readonly acceptance: number;
}

export interface ParallelPolicy {
  /** Guesses drafted at most beyond those that are being verified. */
  readonly ahead: number;
  /** Guesses verified at most in a round; default `ahead`. */
  readonly verify?: number;
  /** Guesses to wait for when none is at hand, because the text went another way. */
  readonly wait: number;
}

export interface SimulatedRun {
  readonly tokensPerMs: number;
  readonly tokensPerRound: number;
  /** Shares of the time in which each side has nothing to do. */
  readonly targetIdle: number;
  readonly draftIdle: number;
  /** Share of the guesses that never reached the text. */
  readonly wasted: number;
}

/** Expected tokens of a round that verifies a chain, the target's own included. Leviathan et al. 2023, equation 1. */
function tokensPerRound(acceptance: number, chain: number): number {
  return acceptance === 1 ? chain + 1 : (1 - acceptance ** (chain + 1)) / (1 - acceptance);
}

/** Tokens per millisecond of drafting `ahead` tokens and verifying them, in turn. */
export function serialRate({ targetMs, draftMs, acceptance }: SimulatedPair, ahead: number): number {
  return tokensPerRound(acceptance, ahead) / (ahead * draftMs + targetMs(ahead + 1));
}

/** Plays `rounds` rounds of parallel drafting. `random`: uniform in 0..1. */
export function simulateParallel(
  pair: SimulatedPair,
  { ahead, verify = ahead, wait }: ParallelPolicy,
  rounds: number,
  random: () => number,
): SimulatedRun {
  const { targetMs, acceptance } = pair;
  const right = () => random() < acceptance;
  const drafter = new SimulatedDrafter(pair.draftMs);
  let now = 0;
  let tokens = 0;
  let idle = 0;
  let kept = 0;
  let fresh = true;
  for (let round = 0; round < rounds; round++) {
    if (fresh) {
      const ready = drafter.until(now, wait, ahead);
      idle += ready - now;
      now = ready;
    }
    drafter.work(now, ahead);
    const verified = Math.min(Math.max(0, drafter.atHand), verify);
    drafter.work(now, verified + ahead);
    now += targetMs(verified + 1);
    drafter.work(now, verified + ahead);
    let accepted = 0;
    while (accepted < verified && right()) accepted++;
    tokens += accepted + 1;
    kept += accepted;
    // The target's own token may have been guessed too, or be what the drafter is about to say.
    fresh = accepted < verified || !right();
    if (fresh) drafter.restart(now);
    else {
      drafter.atHand -= verified + 1;
      kept++;
    }
  }
  return {
    tokensPerMs: tokens / now,
    tokensPerRound: tokens / rounds,
    targetIdle: idle / now,
    draftIdle: Math.max(0, 1 - (drafter.forwards * pair.draftMs) / now),
    wasted: drafter.forwards > 0 ? Math.max(0, 1 - kept / drafter.forwards) : 0,
  };
}

class SimulatedDrafter {
  /** Guesses after the text; -1: the last token of the text is what it is working on. */
  atHand = 0;
  forwards = 0;
  readonly #forwardMs: number;
  /** When the forward under way began; NaN: none is. */
  #since = Number.NaN;
  /** Whether what is under way is of no use any more. */
  #stale = false;

  constructor(forwardMs: number) {
    this.#forwardMs = forwardMs;
  }

  /** Works until `time` as long as there are fewer than `most` guesses; what is under way then goes on. */
  work(time: number, most: number): void {
    for (;;) {
      if (Number.isNaN(this.#since)) {
        if (this.atHand >= most) return;
        this.#since = time;
      }
      const done = this.#since + this.#forwardMs;
      if (done > time) return;
      this.forwards++;
      if (!this.#stale) this.atHand++;
      this.#stale = false;
      this.#since = this.atHand < most ? done : Number.NaN;
    }
  }

  /** When there are `wanted` guesses, from `time` on. */
  until(time: number, wanted: number, most: number): number {
    let now = time;
    this.work(now, most);
    while (this.atHand < Math.min(wanted, most)) {
      now = Math.max(now, this.#since + this.#forwardMs);
      this.work(now, most);
    }
    return now;
  }

  /** The text is another one. A forward under way is not broken off. */
  restart(time: number): void {
    this.atHand = 0;
    this.work(time, 0);
    this.#stale = !Number.isNaN(this.#since);
  }
}

export interface Comparison {
  readonly acceptance: number;
  /** Tokens per millisecond over plain decoding, with the best numbers of drafted tokens; and their policies. */
  readonly serial: { readonly ahead: number; readonly speedup: number };
  readonly parallel: ParallelPolicy & { readonly speedup: number; readonly run: SimulatedRun };
}

const lengths = [0, 1, 2, 3, 4, 6, 8, 12, 16, 24];
const simulatedRounds = 4000;

/** The best of serial and of parallel drafting, each over plain decoding. `random`: makes a stream of draws, the same each time. */
export function compareParallel(pair: SimulatedPair, random: () => () => number): Comparison {
  const plain = 1 / pair.targetMs(1);
  const serial = lengths
    .map((ahead) => ({ ahead, speedup: serialRate(pair, ahead) / plain }))
    .reduce((a, b) => (b.speedup > a.speedup ? b : a));
  const parallel = lengths
    .flatMap((ahead) => lengths.filter((wait) => wait <= Math.min(ahead, 4)).map((wait) => ({ ahead, wait })))
    .map((policy) => {
      const run = simulateParallel(pair, policy, simulatedRounds, random());
      return { ...policy, speedup: run.tokensPerMs / plain, run };
    })
    .reduce((a, b) => (b.speedup > a.speedup ? b : a));
  return { acceptance: pair.acceptance, serial, parallel };
}
