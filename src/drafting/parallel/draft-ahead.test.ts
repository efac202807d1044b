import { describe, expect, test } from "vitest";
import { chainBatch, type LanguageModel } from "../../lm/model.ts";
import { seededRandom, toyModel } from "../../lm/toy/index.ts";
import { likeliest } from "../drafters/likeliest.ts";
import { DraftAhead, type Step } from "./draft-ahead.ts";

const vocabSize = 12;
const model = toyModel({ vocabSize, contextLength: 96, logitScale: 3, seed: 4 });

/** Candidates after a text, by a forward of all of it. */
function candidates(text: readonly number[], among: LanguageModel = model) {
  const sequence = among.open();
  const logits = among.forward(chainBatch(sequence, text, "last")).logits(text.length - 1);
  const found = likeliest(logits, 8);
  sequence.close();
  return found;
}

/** All guesses of an epoch, as texts. */
class Book {
  readonly paths = new Map<number, number[]>();
  epoch = 0;

  read({ epoch, base, guesses }: Step, text: readonly number[]): number[][] {
    if (epoch !== this.epoch) this.paths.clear();
    this.epoch = epoch;
    return guesses.map(({ id, parent, token }) => {
      const path = [...(parent === -1 ? text.slice(0, base) : (this.paths.get(parent) as number[])), token];
      this.paths.set(id, path);
      return path;
    });
  }
}

describe("the drafter's side of a text", () => {
  test("every guess is the drafter's own candidate after the tokens before it, whatever the text did meanwhile", () => {
    const random = seededRandom(11);
    const pick = (count: number) => Math.floor(random() * count);
    for (let round = 0; round < 12; round++) {
      const ahead = new DraftAhead(model, 96);
      const book = new Book();
      const text = Array.from({ length: 2 + pick(6) }, () => pick(vocabSize));
      ahead.text.write(0, text);
      ahead.changed(0);
      let checked = 0;
      for (let turn = 0; turn < 14 && text.length < 80; turn++) {
        for (let steps = pick(9); steps >= 0; steps--) {
          const step = ahead.step();
          if (!step) break;
          for (const path of book.read(step, text)) {
            const { tokens, probabilities } = candidates(path.slice(0, -1));
            const sent = step.guesses.find(({ id }) => book.paths.get(id) === path);
            const rank = tokens.indexOf(path.at(-1) as number);
            expect(rank).toBeGreaterThanOrEqual(0);
            expect(sent?.probability).toBeCloseTo(probabilities[rank], 9);
            checked++;
          }
        }
        const from = text.length;
        // As guessed for a while, then perhaps something else.
        for (let i = pick(5); i >= 0; i--)
          text.push(pick(6) === 0 ? pick(vocabSize) : candidates(text).tokens[pick(2)]);
        ahead.text.write(from, text.slice(from));
        ahead.changed(from);
        ahead.plan({ length: text.length, depth: pick(4), ahead: [1, 4, 6, 12][pick(4)], sequences: 1 + pick(8) });
      }
      expect(checked).toBeGreaterThan(5);
      ahead.close();
    }
  });

  test("stops after as many tokens as are wanted, goes on when some of them are being verified", () => {
    const ahead = new DraftAhead(model, 96);
    ahead.text.write(0, [1, 2, 3]);
    ahead.plan({ length: 3, depth: 0, ahead: 4, sequences: 1 });
    const book = new Book();
    const run = () => {
      let forwards = 0;
      for (let step = ahead.step(); step; step = ahead.step(), forwards++) book.read(step, [1, 2, 3]);
      return forwards;
    };
    expect(run()).toBe(4);
    ahead.plan({ length: 3, depth: 3, ahead: 4, sequences: 1 });
    expect(run()).toBe(3);
    expect(Math.max(...[...book.paths.values()].map((path) => path.length))).toBe(3 + 7);
    ahead.close();
  });

  test("several sequences are rows of one forward, as long as the number of tokens divided by theirs", () => {
    // Flat distributions: every candidate deserves a sequence.
    const unsure = toyModel({ vocabSize, contextLength: 96, logitScale: 0.01, seed: 4 });
    const ahead = new DraftAhead(unsure, 96);
    ahead.text.write(0, [1, 2, 3]);
    ahead.plan({ length: 3, depth: 0, ahead: 12, sequences: 8 });
    const widths: number[] = [];
    const book = new Book();
    for (let step = ahead.step(); step; step = ahead.step()) {
      widths.push(step.width);
      book.read(step, [1, 2, 3]);
    }
    // The prompt, the first guess, then five more first guesses: two tokens each.
    expect(widths).toEqual([3, 1, 5]);
    const { tokens } = candidates([1, 2, 3], unsure);
    for (const token of tokens.slice(0, 6)) {
      const rest = [...book.paths.values()].filter((path) => path[3] === token).map((path) => path.length);
      expect(Math.max(...rest)).toBe(5);
    }
    ahead.close();
  });

  test("a text longer than the drafter's context is not drafted for", () => {
    const ahead = new DraftAhead(toyModel({ vocabSize, contextLength: 8 }), 96);
    ahead.text.write(0, [1, 2, 3, 4, 5, 6]);
    ahead.plan({ length: 6, depth: 0, ahead: 12, sequences: 8 });
    let last = 0;
    for (let step = ahead.step(); step; step = ahead.step()) last++;
    expect(last).toBeLessThanOrEqual(3);
    ahead.text.write(6, [7, 8, 9]);
    ahead.changed(6);
    expect(ahead.step()).toBeUndefined();
    ahead.close();
  });
});
