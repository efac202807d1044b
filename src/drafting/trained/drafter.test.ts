import { describe, expect, test } from "vitest";
import type { LanguageModel } from "../../lm/model.ts";
import { tableModel, toyModel } from "../../lm/toy/index.ts";
import { Parameters } from "../../nn/index.ts";
import type { Drafter, TokenView } from "../drafter.ts";
import { Generation } from "../generation.ts";
import { TreeBuilder } from "../tree.ts";
import { type Head, type HeadSettings, headDrafter, makeHead } from "./index.ts";
import { backend, randomHead, toyParts } from "./testing/toy-head.ts";

interface Drafted {
  readonly length: number;
  readonly chain: readonly number[];
}

/** A chain in place of the one a drafter says, which is noted. */
function steered(inner: Drafter, noted: Drafted[], chainAfter: (length: number, said: Int32Array) => Iterable<number>) {
  return {
    ...inner,
    needs: inner.needs,
    open(view) {
      const session = inner.open(view);
      let length = 0;
      return {
        bid(context: TokenView) {
          length = context.length;
          return session.bid(context);
        },
        expand(bid, nodes, floor) {
          const { token } = session.expand(bid, nodes, floor);
          noted.push({ length, chain: [...token] });
          const builder = new TreeBuilder();
          let parent = -1;
          for (const next of chainAfter(length, token)) parent = builder.add(parent, next, view.source, 0.5);
          return builder.build();
        },
        prefilled: session.prefilled?.bind(session),
        observe: (round) => session.observe(round),
        close: () => session.close(),
      };
    },
  } satisfies Drafter;
}

function decode(model: LanguageModel, promptTokens: readonly number[], maxTokens: number, drafters: Drafter[]) {
  const generation = new Generation({
    model,
    sequence: model.open(),
    promptTokens: [...promptTokens],
    sampling: { temperature: 0 },
    seed: 1,
    drafters,
    policy: { mode: "forced", budget: 4 },
    maxTokens,
  });
  while (generation.prefillStep(8) > 0);
  const rounds: number[][] = [];
  while (!generation.finishReason) rounds.push(generation.step().emitted.map(({ token }) => token));
  generation.close();
  return rounds;
}

const cases: Partial<HeadSettings>[] = [
  { kind: "eagle" },
  { kind: "falcon", block: 2 },
  { kind: "falcon", block: 3 },
  { kind: "falcon", block: 2, fuser: "lstm" },
  { kind: "falcon", block: 3, fuser: "newest" },
];
const chains = { branches: 1, depth: 4, clock: () => 0 };

describe.each(cases)("%o", (settings) => {
  test("after a rejection at any place it drafts what it would draft from the start", () => {
    const head = randomHead(settings.kind as HeadSettings["kind"], settings);
    using target = toyParts(40);
    const toy = toyModel({ vocabSize: 40, contextLength: 96, logitScale: 6 });
    const prompt = [3, 1, 4, 1, 5, 9, 2, 6];
    const text = [...prompt, ...decode(toy, prompt, 48, []).flat()];
    using inner = headDrafter({ backend, head, target, ...chains });
    const noted: Drafted[] = [];
    const right = [0, 4, 1, 3, 2, 0, 1, 4, 2, 3];
    const rounds = decode(toy, prompt, 40, [
      steered(inner, noted, (length) => {
        const accepted = right[noted.length % right.length];
        const next = text.slice(length, length + 4);
        return next.slice(0, accepted + 1).map((token, i) => (i === accepted ? (token + 1) % 40 : token));
      }),
    ]);
    expect(rounds.flat()).toEqual(text.slice(prompt.length, prompt.length + 40));
    expect(new Set(rounds.map((round) => round.length))).toEqual(new Set([1, 2, 3, 4, 5]));
    for (const { length, chain } of noted.slice(1)) {
      const fresh: Drafted[] = [];
      decode(toy, text.slice(0, length), 5, [steered(inner, fresh, (_, said) => said)]);
      expect(fresh[0].length).toBe(length);
      // Near the end of the text fewer levels are asked for.
      expect(fresh[0].chain.slice(0, chain.length)).toEqual(chain);
    }
  });
});

describe("an oracle", () => {
  const size = 16;
  const oneHot = (to: (i: number) => number, value: number) => {
    const values = new Float32Array(size * size);
    for (let i = 0; i < size; i++) values[to(i) * size + i] = value;
    return values;
  };

  /** Says the token `k` after the one it reads, for texts that count. */
  function counting(kind: "eagle" | "falcon", block?: number): Head {
    const parameters = new Parameters(backend, 1);
    const base = { hiddenSize: size, heads: 1, adaptation: 0, bidirectional: false };
    const head = makeHead(parameters, { ...base, kind, block });
    for (const p of parameters.all) p.write(new Float32Array(p.elements));
    parameters.get("token.weight").write(oneHot((i) => (i + (block ?? 1)) % size, 1));
    return head;
  }

  test.each([
    ["eagle", undefined],
    ["falcon", 2],
    ["falcon", 3],
    ["falcon", 4],
  ] as const)("%s, block %s: every round is accepted to its full height", (kind, block) => {
    using target = toyParts(size, size);
    target.embedding.write(oneHot((i) => i, 1));
    target.output.write(oneHot((i) => i, 20));
    const next = (token: number) => (token + 1) % size;
    const model = tableModel({
      vocabSize: size,
      probabilities: (prefix) => {
        const row = new Array<number>(size).fill(1e-9);
        row[next(prefix[prefix.length - 1])] = 1 - 1e-9 * (size - 1);
        return row;
      },
    });
    using drafter = headDrafter({ backend, head: counting(kind, block), target, ...chains, features: false });
    const rounds = decode(model, [1, 2, 3], 60, [drafter]);
    expect(rounds.flat()).toEqual(Array.from({ length: 60 }, (_, i) => (4 + i) % size));
    // Nothing is known before a block of positions has been seen.
    const drafted = rounds.slice(block ?? 1, -1);
    expect(drafted.length).toBeGreaterThan(8);
    for (const round of drafted) expect(round.length).toBe(5);
  });
});
