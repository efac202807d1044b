/** A place in the prediction from which the output may go on. */
export interface Guess {
  readonly at: number;
  /** Why: it has been going on so; or, after a difference, because the output's last tokens stand before this place,
   * because as many tokens were replaced as were written since, or because what was written was put in. */
  readonly reason: "start" | "follows" | "found" | "replaced" | "inserted";
  /** Tokens that agree, for `follows` and `found`; tokens since the difference, for the others. */
  readonly count: number;
}

/** So many tokens in a row must agree before a difference counts as over. */
const sure = 4;
/** Longest run of equal tokens that is looked at. */
const longest = 24;
/** Tokens after a difference during which replacement and insertion are thought of. */
const patience = 32;
/** Places of one token that are looked at; the most frequent ones decide nothing anyway. */
const maxPlaces = 512;

/**
 * Keeps track of where in a prediction an output is. After a difference it looks for the longest end of the output in the
 * prediction, and prefers places near and after the difference: edits go from the front to the back.
 */
export class Alignment {
  private readonly prediction: Int32Array;
  private readonly places: Map<number, number[]>;
  private readonly output: number[] = [];
  /** Where the output goes on if nothing changes; -1 = nowhere. The last `run` tokens agree with those before it. */
  private cursor = 0;
  private run = 0;
  /** Where the prediction stopped to agree, and the tokens written since. */
  private anchor = 0;
  private lost = 0;

  /** `places`: of `placesOf(prediction)`. */
  constructor(prediction: Int32Array, places: Map<number, number[]>) {
    this.prediction = prediction;
    this.places = places;
  }

  get length(): number {
    return this.output.length;
  }

  /** The next token of the output. */
  push(token: number): void {
    this.output.push(token);
    this.lost++;
    if (this.cursor >= 0 && this.prediction[this.cursor] === token) {
      this.cursor++;
      this.run++;
    } else {
      this.search(token);
    }
    // While nothing has differed, one token is as sure as four.
    if (this.run >= sure || this.run === this.output.length) {
      this.anchor = this.cursor;
      this.lost = 0;
    }
  }

  /** Places with different next tokens, the likeliest first. */
  guesses(): Guess[] {
    const found: Guess[] = [];
    const add = (at: number, reason: Guess["reason"], count: number) => {
      if (at < 0 || at >= this.prediction.length) return;
      if (found.some((guess) => this.prediction[guess.at] === this.prediction[at])) return;
      found.push({ at, reason, count });
    };
    if (this.output.length === 0) add(0, "start", 0);
    else if (this.lost === 0) add(this.cursor, "follows", this.run);
    else {
      add(this.cursor, "found", this.run);
      if (this.lost <= patience) {
        add(this.anchor + this.lost, "replaced", this.lost);
        add(this.anchor, "inserted", this.lost);
      }
    }
    return found;
  }

  /** Finds the place after the longest end of the output, less what its distance from the difference says against it. */
  private search(token: number): void {
    let best = 0;
    this.cursor = -1;
    this.run = 0;
    for (const place of this.places.get(token) ?? []) {
      const run = this.agreement(place);
      const score = run - this.doubt(place + 1);
      if (score <= best) continue;
      best = score;
      this.cursor = place + 1;
      this.run = run;
    }
  }

  /** Tokens up to `place` that equal the end of the output. */
  private agreement(place: number): number {
    const { output, prediction } = this;
    const most = Math.min(longest, output.length, place + 1);
    let run = 1;
    while (run < most && prediction[place - run] === output[output.length - 1 - run]) run++;
    return run;
  }

  /** Equal tokens that a place must have more than one right after the difference. */
  private doubt(at: number): number {
    const distance = at - this.anchor;
    // A small slope keeps the nearest of equally good places.
    if (distance > 0) return 1e-3 * Math.min(distance, 500) + Math.max(0, Math.log2(distance / (16 + this.lost)));
    return 1 + Math.log2(1 - distance / 8);
  }
}

/** Where each token stands, ascending. */
export function placesOf(prediction: Int32Array): Map<number, number[]> {
  const places = new Map<number, number[]>();
  prediction.forEach((token, at) => {
    const known = places.get(token);
    if (!known) places.set(token, [at]);
    else if (known.length < maxPlaces) known.push(at);
  });
  return places;
}
