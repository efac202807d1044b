import { describe, expect, test } from "vitest";
import { chainBatch, type LanguageModel } from "../../lm/model.ts";
import { argmax } from "../../lm/sampling/index.ts";
import { seededRandom, tableModel, toyModel } from "../../lm/toy/index.ts";
import type { CostCurve } from "../cost-curve.ts";
import type { DraftSession, TokenView } from "../drafter.ts";
import { cascadeDrafter } from "../drafters/cascade/index.ts";
import { sequenceView } from "../testing/sequence-view.ts";
import { letterVocabulary } from "../testing/vocabularies.ts";
import { crossVocabularyDrafter, intersect, translatingReviewer, type Vocabulary } from "./index.ts";
import { TranslatedText } from "./translated-text.ts";
import { completeEnd, encodeBytes } from "./vocabulary.ts";

const curve: CostCurve = { ms: (width) => 1 + 0.1 * (width - 1), observe() {} };
const target = letterVocabulary(40, 1);
const own = letterVocabulary(37, 2);

const textOf = (vocabulary: Vocabulary, tokens: ArrayLike<number>) =>
  Array.from(tokens, (token) => new TextDecoder().decode(vocabulary.pieceBytes(token))).join("");

/** A vocabulary over words, with bytes below, that puts a space before what it encodes, as SentencePiece ones do. */
function spacePrefixing(words: readonly string[]): Vocabulary {
  const pieces = [
    ...words.map((word) => new TextEncoder().encode(word)),
    ...Array.from({ length: 256 }, (_, b) => Uint8Array.of(b)),
  ];
  return {
    vocabSize: pieces.length,
    bos: -1,
    eos: -1,
    addsBos: false,
    isEndOfGeneration: () => false,
    pieceBytes: (token) => pieces[token],
    encode(text) {
      const tokens: number[] = [];
      for (let rest = ` ${text}`; rest !== ""; ) {
        const word = words.findIndex((each) => rest.startsWith(each));
        const taken = word >= 0 ? words[word] : ([...rest][0] as string);
        if (word >= 0) tokens.push(word);
        else for (const byte of new TextEncoder().encode(taken)) tokens.push(words.length + byte);
        rest = rest.slice(taken.length);
      }
      return tokens;
    },
  };
}

describe("intersection", () => {
  test("maps tokens of equal bytes, and the ends of text", () => {
    const { toTarget, shared } = intersect(target, own);
    expect(toTarget[0]).toBe(0);
    expect(shared).toBe(toTarget.filter((token) => token >= 0).length);
    expect(shared).toBeGreaterThanOrEqual(7);
    expect(shared).toBeLessThan(37);
    toTarget.forEach((token, id) => {
      if (token >= 0) expect(textOf(target, [token])).toBe(textOf(own, [id]));
      else expect(Array.from({ length: 40 }, (_, t) => textOf(target, [t]))).not.toContain(textOf(own, [id]));
    });
  });
});

describe("bytes", () => {
  test("a text may end within a character", () => {
    const bytes = new TextEncoder().encode("a\u00e9\u20ac\u{1f600}");
    const ends = [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10];
    expect(ends.map((_, length) => completeEnd(bytes.subarray(0, length)))).toEqual(ends);
  });

  test("a space that the vocabulary puts first is taken off again", () => {
    const words = spacePrefixing([" the", " rent", "ment", " "]);
    for (const text of [" the rent", "ment", "the", " x", "\u00e9"]) {
      const tokens = encodeBytes(words, new TextEncoder().encode(text));
      expect(Buffer.concat((tokens ?? []).map((token) => words.pieceBytes(token))).toString()).toBe(text);
    }
    expect(encodeBytes(words, Uint8Array.of(0xff))).toBeNull();
  });
});

describe("the translated text", () => {
  test("spells the text, whatever was changed before", () => {
    const random = seededRandom(6);
    const text = new TranslatedText(target, own);
    const tokens = new Int32Array(400);
    let settled = 0;
    for (let step = 0; step < 200 && settled < 390; step++) {
      const length = Math.min(400, settled + Math.floor(random() * 9));
      for (let i = settled; i < length; i++) tokens[i] = 1 + Math.floor(random() * 39);
      const commits = random() < 0.5;
      if (commits) settled = length;
      text.set(tokens, length, commits);
      expect(text.complete).toBe(true);
      const now = text.tokens.subarray(0, text.count);
      expect(textOf(own, now)).toBe(textOf(target, tokens.subarray(0, length)));
      let start = 0;
      for (let i = 0; i < text.count; i++) {
        expect(text.starts[i]).toBe(start);
        start += own.pieceBytes(now[i]).length;
      }
    }
    expect(settled).toBeGreaterThan(300);
  });

  test("words before the change keep their tokens", () => {
    // Pieces never go over a space before a letter here, so that cutting there changes nothing.
    const words = letterVocabulary(7, 1);
    const encoded: string[] = [];
    const spied: Vocabulary = {
      ...words,
      encode(text) {
        encoded.push(text);
        return words.encode(text);
      },
    };
    const text = new TranslatedText(words, spied);
    const tokens = Int32Array.from(words.encode("ab cd ab ce ab cd"));
    text.set(tokens, 13, true);
    text.set(tokens, tokens.length, true);
    expect(encoded).toEqual(["ab cd ab ce a", " ab cd"]);
  });

  test("waits for the rest of a character", () => {
    const bytes = spacePrefixing([" the"]);
    const text = new TranslatedText(bytes, bytes);
    const tokens = Int32Array.from([...new TextEncoder().encode("a\u20ac")], (byte) => 1 + byte);
    const complete = [1, 2, 3, 4].map((length) => {
      text.set(tokens, length, true);
      return text.complete;
    });
    expect(complete).toEqual([true, false, false, true]);
  });
});

function view(tokens: ArrayLike<number>, maxDepth: number): TokenView {
  return { tokens: Int32Array.from(tokens), length: tokens.length, maxDepth, maxNodes: maxDepth };
}

function draft(session: DraftSession, context: TokenView, nodes: number): number[] {
  const [bid] = session.bid(context);
  return bid ? Array.from(session.expand(bid, nodes, 0).token) : [];
}

function greedyText(model: LanguageModel, vocabulary: Vocabulary, text: string, characters: number): string {
  const tokens = Array.from(vocabulary.encode(text));
  let said = "";
  while (said.length < characters) {
    const sequence = model.open();
    const next = argmax(model.forward(chainBatch(sequence, tokens, "last")).logits(tokens.length - 1));
    sequence.close();
    if (vocabulary.isEndOfGeneration(next)) break;
    tokens.push(next);
    said += textOf(vocabulary, [next]);
  }
  return said;
}

const start = "ab cd ab ce da";

describe("drafts of a model of another vocabulary", () => {
  test("re-encoded, they say what the model says", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const model = toyModel({ vocabSize: 37, seed });
      const drafter = crossVocabularyDrafter({ model, vocabulary: own, targetVocabulary: target, curve });
      const drafted = draft(drafter.open(sequenceView()), view(target.encode(start), 5), 5);
      const said = textOf(target, drafted);
      expect(said.length).toBeGreaterThan(0);
      expect(greedyText(model, own, start, 40).startsWith(said)).toBe(true);
    }
  });

  test("of the intersection, they are the likeliest tokens that both have", () => {
    const { toTarget } = intersect(target, own);
    const model = toyModel({ vocabSize: 37, seed: 3 });
    const options = { model, vocabulary: own, targetVocabulary: target, mapping: "intersection" as const, curve };
    const drafted = draft(crossVocabularyDrafter(options).open(sequenceView()), view(target.encode(start), 4), 4);
    const sequence = model.open();
    const tokens = own.encode(start);
    const logits = model.forward(chainBatch(sequence, tokens, "last")).logits(tokens.length - 1);
    const best = argmax(logits.map((value, token) => (toTarget[token] < 0 ? Number.NEGATIVE_INFINITY : value)));
    expect(drafted[0]).toBe(toTarget[best]);
  });

  test("an end of text becomes the target's", () => {
    const ends = tableModel({ vocabSize: 37, probabilities: () => [0.9, ...new Array(36).fill(0.1 / 36)] });
    for (const mapping of ["re-encode", "intersection"] as const) {
      const drafter = crossVocabularyDrafter({
        model: ends,
        vocabulary: own,
        targetVocabulary: target,
        mapping,
        curve,
      });
      expect(draft(drafter.open(sequenceView()), view(target.encode(start), 4), 4)).toEqual([0]);
    }
  });

  test("nothing is drafted past the model's own context, or within a character", () => {
    const model = toyModel({ vocabSize: 37, contextLength: 8 });
    const drafter = crossVocabularyDrafter({ model, vocabulary: own, targetVocabulary: target, curve });
    expect(drafter.open(sequenceView()).bid(view(target.encode(start.repeat(3)), 4))).toEqual([]);
  });
});

describe("a level of a cascade with another vocabulary", () => {
  const cascade = (model: LanguageModel) =>
    cascadeDrafter({
      models: [{ model, curve, reviewer: translatingReviewer(target, own) }],
      k: [
        [4, 0],
        [0, 4],
      ],
    });

  test("keeps and adds what its model says", () => {
    let reviewed = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const model = toyModel({ vocabSize: 37, seed });
      const drafter = cascade(model);
      const drafted = draft(drafter.open(sequenceView()), view(target.encode(start), 4), 4);
      expect(drafted.length).toBeGreaterThan(0);
      reviewed += drafter.stats.levels[0].calls;
    }
    expect(reviewed).toBeGreaterThanOrEqual(8);
  });

  test("a block that it would have written itself is kept in one forward", () => {
    // Both spell in single letters here, so nothing can be merged otherwise.
    const letters = letterVocabulary(7, 1);
    const period = [1, 2, 3, 4];
    const model = tableModel({
      vocabSize: 7,
      probabilities: (prefix) => Array.from({ length: 7 }, (_, t) => (t === period[prefix.length % 4] ? 0.94 : 0.01)),
    });
    const drafter = cascadeDrafter({
      models: [{ model, curve, reviewer: translatingReviewer(letters, letters) }],
      k: [
        [6, 0],
        [0, 6],
      ],
    });
    const session = drafter.open(sequenceView({ vocabSize: 7, contextLength: 96 }));
    expect(draft(session, view([1, 2, 3, 4, 1, 2, 3, 4], 7), 6)).toEqual([1, 2, 3, 4, 1, 2]);
    expect(drafter.stats.levels[0]).toMatchObject({ calls: 1, reviewed: 5, kept: 5 });
  });
});
