import { describe, expect, test } from "vitest";
import { behindThoughts, GrammarVocabulary, TokenGrammar } from "../lm/grammar/index.ts";
import type { SamplingParams } from "../lm/sampling/index.ts";
import { toyModel } from "../lm/toy/index.ts";
import { grammarDrafter } from "./drafters/grammar.ts";
import { lookupDrafter } from "./drafters/lookup.ts";
import { modelDrafter } from "./drafters/model.ts";
import { Generation } from "./generation.ts";
import type { GenerationOptions } from "./generation-options.ts";

// Tokens are letters, some pairs of them, and one that ends a text.
const pieces = [...'{}[]":, 0123456789abcdefghij', '":', '{"', "ab", "cd", "12", '",'];
const end = pieces.length;
const vocabSize = end + 1;
const vocabulary = new GrammarVocabulary({
  vocabSize,
  endOfGeneration: [end],
  pieceBytes: (token) => new TextEncoder().encode(pieces[token] ?? ""),
});
const grammar = new TokenGrammar(
  String.raw`root ::= "{\"a\": " list ", \"bcd\": " [0-9]{1,6} "}"
list ::= "[" (item (", " item){0,4})? "]"
item ::= "{\"h\": \"" [a-j]{1,5} "\"}"`,
  vocabulary,
);
const wellFormed = /^\{"a": \[(?:\{"h": "[a-j]{1,5}"\}(?:, \{"h": "[a-j]{1,5}"\}){0,4})?\], "bcd": \d{1,6}\}$/;
const model = toyModel({ vocabSize, contextLength: 256, logitScale: 4 });
const small = toyModel({ vocabSize, contextLength: 256, logitScale: 4, seed: 8 });

function run(sampling: SamplingParams, options: Partial<GenerationOptions> = {}) {
  const generation = new Generation({
    model,
    sequence: (options.model ?? model).open(),
    promptTokens: [3, 1, 4, 1, 5],
    seed: 5,
    maxTokens: 100,
    clock: () => 0,
    sampling,
    policy: { mode: "off" },
    constraint: grammar.start,
    stopTokens: new Set([end]),
    ...options,
  });
  while (generation.prefillStep(64) > 0);
  const tokens: number[] = [];
  const logprobs: number[] = [];
  const bySource: Record<string, number> = {};
  let rounds = 0;
  for (; !generation.finishReason; rounds++) {
    for (const { token, source, logprobs: found } of generation.step().emitted) {
      tokens.push(token);
      if (found) logprobs.push(found.logprob, ...found.top.flatMap((one) => [one.token, one.logprob]));
      bySource[source] = (bySource[source] ?? 0) + 1;
    }
  }
  generation.close();
  const text = tokens.map((token) => pieces[token] ?? "").join("");
  return { tokens, text, rounds, logprobs, bySource, reason: generation.finishReason };
}

const penalised = { repetitionPenalty: 1.3, frequencyPenalty: 0.4, penaltyWindow: 12 };
const samplings: SamplingParams[] = [
  { temperature: 0 },
  { temperature: 1 },
  { temperature: 1.5, topK: 5, ...penalised },
  {
    temperature: 0.8,
    minP: 0.05,
    logitBias: new Map([
      [20, 3],
      [25, -Infinity],
    ]),
  },
  { temperature: 0, ...penalised },
];
const drafters = () => [grammarDrafter(grammar.start), lookupDrafter(), modelDrafter({ model: small })];

describe("constrained texts", () => {
  test.each(samplings)("%j: drafted and plain are the same tokens, and follow the grammar", (sampling) => {
    for (let seed = 1; seed <= 6; seed++) {
      const plain = run(sampling, { seed });
      expect(plain.reason).toBe("stop");
      expect(plain.text).toMatch(wellFormed);
      for (const budget of [1, 4, 16]) {
        const drafted = run(sampling, { seed, drafters: drafters(), policy: { mode: "forced", budget } });
        expect(drafted.tokens).toEqual(plain.tokens);
        expect(drafted.rounds).toBeLessThan(plain.rounds);
      }
    }
  });

  test("what the grammar leaves no choice about is drafted", () => {
    const { bySource, rounds, tokens } = run(
      { temperature: 1 },
      { drafters: [grammarDrafter(grammar.start)], policy: { mode: "forced", budget: 8 } },
    );
    expect(bySource.grammar).toBeGreaterThan(tokens.length / 3);
    expect(rounds).toBeLessThan((tokens.length * 2) / 3);
  });

  test("by ratio, with drafts drawn from a model that knows nothing of the grammar", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const options = { seed, verify: "ratio" as const, drafters: [modelDrafter({ model: small })] };
      const { text, reason } = run({ temperature: 1 }, { ...options, policy: { mode: "forced", budget: 4 } });
      expect([reason, text]).toEqual(["stop", expect.stringMatching(wellFormed)]);
    }
  });

  describe.each([true, false])("behind thoughts, begun by the prompt: %s", (begun) => {
    const words = [..."ab{}:\n", "<think>", "</think>", "</", "think", ">", ">{", "ab", "b}", "a:"];
    const end = words.length;
    const pieceBytes = (token: number) => new TextEncoder().encode(words[token] ?? "");
    const vocabulary = new GrammarVocabulary({ vocabSize: end + 1, endOfGeneration: [end], pieceBytes });
    const { gbnf, start } = behindThoughts('root ::= "{" [ab]{1,3} ":" [ab]{2,9} "}"', begun);
    const behind = new TokenGrammar(gbnf, vocabulary, start);
    const [model, small] = [3, 8].map((seed) =>
      toyModel({ vocabSize: end + 1, contextLength: 256, logitScale: 1, seed }),
    );
    // Thoughts of some length that end in all spellings of the tag; a free text goes on as long as another.
    const bias = (freely: boolean) => {
      const all: [number, number][] = ["</think>", "</", "think", ">"].map((word) => [words.indexOf(word), 1.5]);
      if (freely) all.push([end, Number.NEGATIVE_INFINITY]);
      if (!begun) all.push([words.indexOf("<think>"), 0.5]);
      return new Map(all);
    };
    const write = (sampling: SamplingParams, options: Partial<GenerationOptions>) => {
      const freely = "constraint" in options;
      const { tokens, logprobs, reason } = run(
        { ...sampling, logitBias: bias(freely) },
        {
          model,
          maxTokens: 200,
          constraint: behind.start,
          stopTokens: new Set([end]),
          logprobs: 3,
          ...options,
        },
      );
      return { tokens, logprobs, reason, text: tokens.map((token) => words[token] ?? "").join("") };
    };

    test("drafted and plain are the same tokens; thoughts are those of a free text", () => {
      let thought = 0;
      for (let seed = 1; seed <= 8; seed++) {
        const sampling = { temperature: seed % 2 ? 1 : 1.4, ...(seed % 3 === 0 && penalised) };
        const plain = write(sampling, { seed });
        expect(plain.reason).toBe("stop");
        const [, thoughts, answer] =
          /^(?:([\s\S]*?)<\/think>\s{0,4})?(\{[ab]{1,3}:[ab]{2,9}\})$/.exec(plain.text) ?? [];
        expect(answer, plain.text).toBeDefined();
        if (begun) expect(thoughts).toBeDefined();
        else if (thoughts !== undefined) expect(thoughts).toMatch(/^\s{0,4}<think>/);
        thought += thoughts?.length ?? 0;
        const free = write(sampling, { seed, constraint: undefined, maxTokens: plain.tokens.length });
        if (begun) expect(free.text.startsWith(thoughts)).toBe(true);
        const drafters = [grammarDrafter(behind.start), lookupDrafter(), modelDrafter({ model: small })];
        for (const budget of [1, 4, 16]) {
          expect(write(sampling, { seed, drafters, policy: { mode: "forced", budget } })).toEqual(plain);
        }
      }
      expect(thought).toBeGreaterThan(100);
    });
  });

  test("a text ends where nothing can follow, and after its end token where something could", () => {
    const open = new TokenGrammar("root ::= [ab]+", vocabulary);
    const bias = new Map([[end, 100]]);
    const { tokens, reason } = run({ temperature: 0, logitBias: bias }, { constraint: open.start });
    expect([tokens.length, tokens[1], reason]).toEqual([2, end, "stop"]);
    const exact = new TokenGrammar('root ::= "abcd"', vocabulary);
    const drafted = { drafters: [grammarDrafter(exact.start)], policy: { mode: "forced", budget: 8 } as const };
    for (const options of [{}, drafted]) {
      const { text, reason } = run({ temperature: 0 }, { constraint: exact.start, ...options });
      expect([text, reason]).toEqual(["abcd", "stop"]);
    }
  });
});

describe("log probabilities", () => {
  test("are the target's own of every token, whatever was drafted", () => {
    for (const constraint of [undefined, grammar.start]) {
      const plain = run({ temperature: 1 }, { constraint, logprobs: 3, maxTokens: 40 });
      const budget = { mode: "forced", budget: 8 } as const;
      const options = { constraint, logprobs: 3, maxTokens: 40, drafters: drafters(), policy: budget };
      const drafted = run({ temperature: 1 }, options);
      expect(drafted.rounds).toBeLessThan(plain.rounds);
      expect(drafted.logprobs).toEqual(plain.logprobs);
      expect(plain.logprobs).toHaveLength(plain.tokens.length * 7);
    }
  });

  test("are the logarithms of softmax, before bias, penalties and masks", () => {
    const found = run(
      { temperature: 0, logitBias: new Map([[7, 50]]) },
      { logprobs: 2, maxTokens: 1, constraint: undefined },
    );
    const sequence = model.open();
    const prompt = [3, 1, 4, 1, 5];
    const result = model.forward({
      sequence: new Int32Array(5).fill(sequence.id),
      token: Int32Array.from(prompt),
      parent: Int32Array.from([-1, 0, 1, 2, 3]),
      position: Int32Array.from([0, 1, 2, 3, 4]),
      wantLogits: Uint8Array.from([0, 0, 0, 0, 1]),
    });
    const weights = Float64Array.from(result.logits(4), (logit) => Math.exp(logit));
    sequence.close();
    const sum = weights.reduce((a, b) => a + b, 0);
    const order = [...weights.keys()].sort((a, b) => weights[b] - weights[a]);
    const [logprob, first, firstLogprob, second, secondLogprob] = found.logprobs;
    expect(found.tokens).toEqual([7]);
    expect([first, second]).toEqual(order.slice(0, 2));
    expect(logprob).toBeCloseTo(Math.log(weights[7] / sum), 5);
    expect(firstLogprob).toBeCloseTo(Math.log(weights[first] / sum), 5);
    expect(secondLogprob).toBeCloseTo(Math.log(weights[second] / sum), 5);
  });
});
