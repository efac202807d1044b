import { DraftwrightError } from "../../errors.ts";
import type { CharRange, Expression, GrammarRules } from "./gbnf.ts";
import { type ByteRange, utf8Ranges } from "./utf8.ts";

/** A place in a rule, and the ways on from there. */
export interface Place {
  /** By bytes. */
  readonly edges: { readonly low: number; readonly high: number; readonly to: number }[];
  /** Without reading anything. */
  readonly free: number[];
  /** Through another rule, and then on. */
  readonly calls: { readonly rule: number; readonly back: number }[];
  /** The rule may end here. */
  end: boolean;
  /** The rule does end here: nothing but its end can follow. */
  tail: boolean;
}

/** The rules as one recursive transition network over bytes. */
export interface Network {
  readonly places: readonly Place[];
  /** First place of each rule; rule 0 is the start. */
  readonly starts: readonly number[];
}

const mostPlaces = 200_000;

/**
 * `start`: the rule that is a whole text. Throws "bad-argument" for a grammar that is too large, or in which a rule can begin
 * with itself.
 */
export function buildNetwork(rules: GrammarRules, start: string): Network {
  const names = [start, ...[...rules.keys()].filter((name) => name !== start)];
  const builder = new Builder(new Map(names.map((name, i) => [name, i])));
  const starts = names.map((name) => builder.rule(rules.get(name) as Expression));
  const network = { places: builder.places, starts };
  refuseLeftRecursion(network, names);
  markTails(network.places);
  return network;
}

class Builder {
  readonly places: Place[] = [];
  readonly #ruleOf: ReadonlyMap<string, number>;

  constructor(ruleOf: ReadonlyMap<string, number>) {
    this.#ruleOf = ruleOf;
  }

  rule(expression: Expression): number {
    const start = this.#place();
    const end = this.#place();
    this.#connect(expression, start, end);
    this.places[end].end = true;
    return start;
  }

  #place(): number {
    if (this.places.length >= mostPlaces) {
      throw new DraftwrightError(
        "bad-argument",
        `The grammar needs more than ${mostPlaces} states. Repeat less: say {0,100} and not {0,10000}.`,
      );
    }
    return this.places.push({ edges: [], free: [], calls: [], end: false, tail: false }) - 1;
  }

  /** Ways from one place to another that read the expression. */
  #connect(expression: Expression, from: number, to: number): void {
    switch (expression.kind) {
      case "chars":
        this.#characters(expression.ranges, from, to);
        break;
      case "rule":
        this.places[from].calls.push({ rule: this.#ruleOf.get(expression.name) as number, back: to });
        break;
      case "choice":
        for (const item of expression.items) this.#connect(item, from, to);
        break;
      case "sequence": {
        let at = from;
        expression.items.forEach((item, i) => {
          const next = i === expression.items.length - 1 ? to : this.#place();
          this.#connect(item, at, next);
          at = next;
        });
        if (expression.items.length === 0) this.places[from].free.push(to);
        break;
      }
      case "repeat":
        this.#repeat(expression, from, to);
    }
  }

  #repeat({ item, least, most }: Extract<Expression, { kind: "repeat" }>, from: number, to: number): void {
    let at = from;
    for (let i = 0; i < least; i++) at = this.#after(item, at);
    if (!Number.isFinite(most)) {
      const loop = this.#place();
      this.places[at].free.push(loop);
      this.#connect(item, loop, loop);
      this.places[loop].free.push(to);
      return;
    }
    for (let i = least; i < most; i++) {
      this.places[at].free.push(to);
      at = this.#after(item, at);
    }
    this.places[at].free.push(to);
  }

  #after(item: Expression, from: number): number {
    const next = this.#place();
    this.#connect(item, from, next);
    return next;
  }

  /** Equal endings share their places. */
  #characters(ranges: readonly CharRange[], from: number, to: number): void {
    const shared = new Map<string, number>();
    const before = (rest: readonly ByteRange[]): number => {
      if (rest.length === 0) return to;
      const key = rest.join(";");
      let place = shared.get(key);
      if (place === undefined) {
        place = this.#place();
        shared.set(key, place);
        this.places[place].edges.push({ low: rest[0][0], high: rest[0][1], to: before(rest.slice(1)) });
      }
      return place;
    };
    for (const range of ranges) {
      for (const [[low, high], ...rest] of utf8Ranges(range)) {
        this.places[from].edges.push({ low, high, to: before(rest) });
      }
    }
  }
}

/** A rule that can begin with itself could be entered for ever without reading a byte. */
function refuseLeftRecursion({ places, starts }: Network, names: readonly string[]): void {
  const nullable = new Uint8Array(starts.length);
  const first = starts.map(() => new Set<number>());
  for (let changed = true; changed; ) {
    changed = false;
    starts.forEach((start, rule) => {
      const seen = new Set([start]);
      for (const at of seen) {
        const { free, calls, end } = places[at];
        for (const next of free) seen.add(next);
        for (const call of calls) {
          first[rule].add(call.rule);
          if (nullable[call.rule]) seen.add(call.back);
        }
        if (end && !nullable[rule]) {
          nullable[rule] = 1;
          changed = true;
        }
      }
    });
  }
  for (const [rule, direct] of first.entries()) {
    const reached = new Set(direct);
    for (const next of reached) for (const further of first[next]) reached.add(further);
    if (!reached.has(rule)) continue;
    throw new DraftwrightError(
      "bad-argument",
      `The grammar's rule "${names[rule]}" can begin with itself. Write the repetition with * or +, or on the right.`,
    );
  }
}

function markTails(places: readonly Place[]): void {
  const isTail = (at: number, depth: number): boolean => {
    const { edges, free, calls, end } = places[at];
    if (edges.length > 0 || calls.length > 0 || depth > 8) return false;
    return free.length === 0 ? end : !end && free.every((next) => isTail(next, depth + 1));
  };
  places.forEach((place, at) => {
    place.tail = isTail(at, 0);
  });
}
