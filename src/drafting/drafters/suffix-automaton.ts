import { TransitionTable } from "./transition-table.ts";

/** Where the longest repeated suffix of a text occurred before. */
export interface SuffixMatch {
  /** Tokens in common. */
  readonly length: number;
  /** Position of the first token after the earlier occurrence. */
  readonly next: number;
}

/**
 * Suffix automaton of a growing text: at any time it knows the longest suffix that occurred before, and where. A token
 * costs amortised constant time; with `latest` one step more for each repeated suffix of the text (about ten in prose).
 * Source: Blumer et al. 1985, online construction; `states` are classes of substrings with the same end positions.
 */
export class SuffixAutomaton {
  /** Tokens seen so far. */
  size = 0;
  private readonly latest: boolean;
  private readonly transitions = new TransitionTable();
  /** Length of the longest substring of each state. */
  private readonly longest: number[] = [0];
  /** State of the longest suffix that is in another class; -1 for the start state. */
  private readonly link: number[] = [-1];
  /** One end position of the class: the earliest, or the latest before the newest token. */
  private readonly end: number[] = [-1];
  private last = 0;

  constructor(tie: "earliest" | "latest") {
    this.latest = tie === "latest";
  }

  push(token: number): void {
    const { transitions, longest, link, end } = this;
    // The text so far is now an *earlier* occurrence of all its suffixes.
    if (this.latest) for (let s = this.last; s > 0; s = link[s]) end[s] = this.size - 1;
    const added = this.state(longest[this.last] + 1, 0, this.size);
    let from = this.last;
    let target = -1;
    while (from >= 0) {
      target = transitions.get(from, token);
      if (target >= 0) break;
      transitions.set(from, token, added);
      from = link[from];
    }
    if (from >= 0) {
      if (longest[target] === longest[from] + 1) {
        link[added] = target;
      } else {
        const clone = this.state(longest[from] + 1, link[target], end[target]);
        transitions.copy(target, clone);
        for (; from >= 0 && transitions.get(from, token) === target; from = link[from]) {
          transitions.set(from, token, clone);
        }
        link[target] = clone;
        link[added] = clone;
      }
    }
    this.last = added;
    this.size++;
  }

  /**
   * The longest suffix of the text that occurs earlier in it, then the next shorter one that occurs elsewhere too, and so
   * on; at most `limit`, none shorter than `minLength`. The occurrence is the earliest or the latest one.
   */
  matches(minLength: number, limit: number): SuffixMatch[] {
    const found: SuffixMatch[] = [];
    for (
      let s = this.link[this.last];
      s > 0 && this.longest[s] >= minLength && found.length < limit;
      s = this.link[s]
    ) {
      found.push({ length: this.longest[s], next: this.end[s] + 1 });
    }
    return found;
  }

  private state(length: number, link: number, end: number): number {
    this.longest.push(length);
    this.link.push(link);
    this.end.push(end);
    return this.longest.length - 1;
  }
}
