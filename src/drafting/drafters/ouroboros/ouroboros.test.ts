import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { chainBatch, type ForwardBatch, type LanguageModel, type Sequence } from "../../../lm/model.ts";
import { argmax } from "../../../lm/sampling/index.ts";
import { seededRandom, tableModel, toyModel } from "../../../lm/toy/index.ts";
import type { CostCurve } from "../../cost-curve.ts";
import type { Drafter, TokenView } from "../../drafter.ts";
import { Generation } from "../../generation.ts";
import { RoundBatches } from "../../round-batch.ts";
import type { RoundReport } from "../../round-report.ts";
import { sequenceView } from "../../testing/sequence-view.ts";
import { repeatingTable } from "../../testing/tables.ts";
import { PhrasePool } from "../lookahead/phrase-pool.ts";
import { modelDrafter } from "../model.ts";
import type { OuroborosOptions } from "./options.ts";
import { ouroborosDrafter } from "./ouroboros.ts";
import { loadPool, savePool } from "./pool-file.ts";

const flat: CostCurve = { ms: () => 0.05, observe() {} };
const greedy = { temperature: 0 };
const prompt = [3, 1, 4, 1, 5, 9, 2, 6];
const bare = { text: false, learn: "off", refresh: false, alone: false } as const;

/** Greedy continuation from an empty cache. */
function truth(model: LanguageModel, tokens: readonly number[], count: number): number[] {
  const out = [...tokens];
  for (let i = 0; i < count; i++) {
    const sequence = model.open();
    out.push(argmax(model.forward(chainBatch(sequence, out, "last")).logits(out.length - 1)));
    sequence.close();
  }
  return out.slice(tokens.length);
}

interface Run {
  readonly tokens: readonly number[];
  readonly rounds: readonly RoundReport[];
}

function run(
  model: LanguageModel,
  drafter: Drafter,
  budget: number,
  maxTokens = 40,
  afterRound?: (sequence: Sequence, tokens: readonly number[]) => void,
): Run {
  const sequence = model.open();
  const generation = new Generation({
    model,
    sequence,
    promptTokens: prompt,
    sampling: greedy,
    seed: 0,
    maxTokens,
    drafters: [drafter],
    policy: { mode: "forced", budget },
    curve: flat,
  });
  while (generation.prefillStep(64) > 0);
  const rounds: RoundReport[] = [];
  const tokens = [...prompt];
  while (!generation.finishReason) {
    const round = generation.step();
    rounds.push(round);
    tokens.push(...round.emitted.map(({ token }) => token));
    afterRound?.(sequence, tokens);
  }
  generation.close();
  return { tokens: tokens.slice(prompt.length), rounds };
}

const emittedPerRound = ({ rounds }: Run) => rounds.map(({ emitted }) => emitted.length);

function randomPool(vocabSize: number, phraseLength = 3): PhrasePool {
  const random = seededRandom(5);
  const token = () => Math.floor(random() * vocabSize);
  const pool = new PhrasePool({ vocabSize, phraseLength });
  for (let i = 0; i < 300; i++) pool.insert(token(), Array.from({ length: phraseLength }, token), "text");
  return pool;
}

/** Recites a text in which nothing repeats on purpose; `slip`: says another token at every such position. */
function reciting(slip = Number.POSITIVE_INFINITY): LanguageModel {
  const random = seededRandom(6);
  const recited = Array.from({ length: 128 }, () => Math.floor(random() * 40));
  return tableModel({
    vocabSize: 40,
    probabilities: ({ length }) => {
      const table = new Array<number>(40).fill(1e-6);
      table[(recited[length] + (length % slip === 0 ? 1 : 0)) % 40] = 1;
      return table;
    },
  });
}

/** A model that counts its forwards and notes where each begins, and the last position of all. */
function counting(model: LanguageModel): LanguageModel & { forwards: number; starts: number[]; last: number } {
  const counted = Object.assign(Object.create(model) as LanguageModel, {
    forwards: 0,
    starts: [] as number[],
    last: 0,
    open: model.open.bind(model),
    forward(batch: ForwardBatch) {
      counted.forwards++;
      counted.starts.push(batch.position[0]);
      counted.last = Math.max(counted.last, ...batch.position);
      return model.forward(batch);
    },
  });
  return counted;
}

describe("without suffixes and window it is ordinary draft-model speculation", () => {
  test.each([1, 3, 5])("the same rounds, the same acceptance: gamma %i", (gamma) => {
    const small = () => toyModel({ seed: 8, logitScale: 6 });
    const model = () => toyModel({ logitScale: 6 });
    const plain = run(model(), modelDrafter({ model: small(), branches: 1, curve: flat }), gamma);
    for (const options of [{ guesses: 0 }, { guesses: 3, pool: randomPool(40) }] satisfies OuroborosOptions[]) {
      const drafter = ouroborosDrafter({ model: small(), gamma, suffixes: 0, curve: flat, ...options });
      const ours = run(model(), drafter, gamma);
      expect(ours.tokens).toEqual(plain.tokens);
      expect(emittedPerRound(ours)).toEqual(emittedPerRound(plain));
      expect(ours.rounds.map(({ trace }) => [trace.width, trace.accepted])).toEqual(
        plain.rounds.map(({ trace }) => [trace.width, trace.accepted]),
      );
    }
  });
});

describe("a planted phrase", () => {
  const [gamma, P] = [4, 3];
  const model = toyModel({ logitScale: 6 });
  const future = truth(model, prompt, gamma + P + 1);
  /** The first round of a draft model that is always right, with phrases planted where the draft ends, newest first. */
  const firstRound = (phrases: readonly (readonly number[])[], suffixes = 3) => {
    const pool = new PhrasePool({ vocabSize: 40 });
    for (const phrase of [...phrases].reverse()) pool.insert(future[gamma - 1], phrase, "text");
    const drafter = ouroborosDrafter({
      model: toyModel({ logitScale: 6 }),
      pool,
      suffixes,
      gamma,
      curve: flat,
      ...bare,
    });
    return emittedPerRound(run(toyModel({ logitScale: 6 }), drafter, 32))[0];
  };
  const right = future.slice(gamma, gamma + P);
  const sharing = (m: number) => right.map((token, i) => (i < m ? token : (token + 1 + i) % 40));

  test("the true continuation is committed whole, and the target's token after it", () => {
    expect(firstRound([right])).toBe(gamma + P + 1);
  });

  test.each([0, 1, 2])("of one that shares %i tokens, these and the target's token", (m) => {
    expect(firstRound([sharing(m)])).toBe(gamma + m + 1);
  });

  test("the best of several branches wins, whatever its rank", () => {
    expect(firstRound([sharing(0), sharing(1), right])).toBe(gamma + P + 1);
    expect(firstRound([sharing(0), sharing(1), right], 2)).toBe(gamma + 1 + 1);
    expect(firstRound([sharing(2), right, sharing(1)])).toBe(gamma + P + 1);
  });

  test("after a branch that is not the first the cache is that of a fresh prefill", () => {
    const pool = new PhrasePool({ vocabSize: 40 });
    const long = truth(model, prompt, 60);
    // At every token the right phrase is the oldest of three.
    long.forEach((token, i) => {
      if (i + P >= long.length) return;
      pool.insert(token, long.slice(i + 1, i + 1 + P), "text");
      for (const m of [1, 0]) {
        pool.insert(
          token,
          long.slice(i + 1, i + 1 + P).map((t, d) => (d < m ? t : (t + 1 + d) % 40)),
          "text",
        );
      }
    });
    const drafter = ouroborosDrafter({ model: toyModel({ logitScale: 6 }), pool, suffixes: 20, curve: flat, ...bare });
    const target = toyModel({ logitScale: 6 });
    let lengthened = 0;
    const { rounds } = run(target, drafter, 64, 48, (sequence, tokens) => {
      const fork = sequence.fork();
      const fresh = target.open();
      const got = target
        .forward(chainBatch(fork, tokens.slice(-1), "last"))
        .logits(0)
        .slice();
      const want = target.forward(chainBatch(fresh, tokens, "last")).logits(tokens.length - 1);
      fork.close();
      fresh.close();
      expect(got.every((value, i) => Math.abs(value - want[i]) <= 1e-9)).toBe(true);
    });
    for (const { emitted } of rounds) if (emitted.length > gamma + 1) lengthened++;
    expect(lengthened).toBeGreaterThan(2);
  });
});

describe("branches", () => {
  test.each([1, 2, 5])("the logits on each of %i are those of a forward of draft and branch alone", (suffixes) => {
    const target = toyModel();
    const session = ouroborosDrafter({
      model: toyModel({ seed: 8 }),
      pool: randomPool(40),
      suffixes,
      curve: flat,
      ...bare,
    }).open(sequenceView());
    const context: TokenView = { tokens: Int32Array.from(prompt), length: 8, maxDepth: 40, maxNodes: 64 };
    const [bid] = session.bid(context);
    const tree = session.expand(bid, bid.parent.length, 0);
    const leaves = Array.from(tree.token.keys()).filter((node) => !tree.parent.includes(node));
    expect(leaves).toHaveLength(suffixes);
    const sequence = target.open();
    target.forward(chainBatch(sequence, prompt.slice(0, -1), "none"));
    sequence.compact(prompt.slice(1).map((_, i) => i));
    const result = target.forward(new RoundBatches([]).fill(sequence, prompt[7], tree));
    const rows = Array.from({ length: tree.token.length + 1 }, (_, row) => result.logits(row).slice());
    for (const leaf of leaves) {
      const path: number[] = [];
      for (let node = leaf; node >= 0; node = tree.parent[node]) path.unshift(node);
      const fresh = target.open();
      const alone = target.forward(chainBatch(fresh, [...prompt, ...path.map((node) => tree.token[node])], "all"));
      path.forEach((node, i) => {
        const want = alone.logits(prompt.length + i);
        expect(rows[node + 1].every((value, v) => Math.abs(value - want[v]) <= 1e-9)).toBe(true);
      });
      fresh.close();
    }
  });

  test("are replaced by what the target says along them, its token after the draft first", () => {
    const model = toyModel({ logitScale: 6 });
    const future = truth(model, prompt, 5);
    const pool = new PhrasePool({ vocabSize: 40 });
    const wrong = [(future[4] + 1) % 40, 0, 0];
    pool.insert(future[3], wrong, "text");
    const options = { model: toyModel({ logitScale: 6 }), pool, curve: flat, text: false, learn: "off" } as const;
    const says = (path: readonly number[]) => truth(model, [...prompt, ...future.slice(0, 4), ...path], 1)[0];
    const versions: (readonly number[])[] = [];
    run(toyModel({ logitScale: 6 }), ouroborosDrafter(options), 32, 20, () => {
      versions.push(pool.newest(future[3], 1)[0].tokens);
    });
    expect(versions[0]).toEqual([future[4], says([wrong[0]]), says([wrong[0], 0])]);
  });
});

describe("what a rejected draft teaches", () => {
  test.each(["A", "B"] as const)("variant %s: phrases of full length that the target said", (learn) => {
    const pool = new PhrasePool({ vocabSize: 40, phraseLength: 2 });
    const options = { model: toyModel({ seed: 8 }), gamma: 8, pool, learn, text: false, refresh: false, curve: flat };
    run(toyModel(), ouroborosDrafter(options), 32, 60);
    const { byOrigin, phrases } = pool.stats();
    expect(byOrigin).toEqual({ text: 0, window: 0, verified: phrases });
    if (learn === "B") expect(phrases).toBeGreaterThan(0);
  });

  test("variants A and B: just what one rejection teaches", () => {
    // Position 10 is recited wrongly: two right tokens, a wrong one, and one more.
    const [, , third, fourth, fifth] = truth(reciting(), prompt, 5);
    const first = (learn: "A" | "B") => {
      const pool = new PhrasePool({ vocabSize: 40, phraseLength: 2 });
      const options = { ...bare, model: reciting(10), pool, learn, curve: flat };
      const rounds: unknown[] = [];
      run(reciting(), ouroborosDrafter(options), 32, 10, () => {
        rounds.push(Array.from(pool.entries(), ([key, list]) => [key, ...list.map((phrase) => phrase.tokens)]));
      });
      return rounds[0];
    };
    expect(first("A")).toEqual([[(third + 1) % 40, [fourth, fifth]]]);
    expect(first("B")).toEqual([[third, [fourth, fifth]]]);
  });

  test("with learning, refresh, text and window off the pool stays as it was", () => {
    const pool = randomPool(40);
    const before = JSON.stringify([...pool.entries()]);
    run(toyModel(), ouroborosDrafter({ model: toyModel({ seed: 8 }), pool, curve: flat, ...bare }), 32);
    expect(JSON.stringify([...pool.entries()])).toBe(before);
  });
});

describe("a second pass over the same prompt", () => {
  const folder = mkdtempSync(join(tmpdir(), "ouroboros-"));
  const path = join(folder, "pool.bin");
  afterAll(() => rmSync(folder, { recursive: true }));

  const repeating = () => tableModel({ vocabSize: 40, probabilities: repeatingTable(40, 8) });
  test.each<[string, () => LanguageModel, OuroborosOptions]>([
    ["no model", repeating, {}],
    ["no model, toy transformer", () => toyModel({ logitScale: 6 }), {}],
    ["with a model", reciting, { model: reciting(6), curve: flat }],
    [
      "with a model, no text: what learn A taught",
      reciting,
      { model: reciting(6), text: false, learn: "A", curve: flat },
    ],
    ["with a model, no text: what learn B taught", reciting, { model: reciting(6), text: false, curve: flat }],
    ["window alone", repeating, { lookahead: { window: 4, level: 4 }, text: false, learn: "off" }],
  ])("needs fewer forwards with the saved pool: %s", (_, model, options) => {
    const identity = { vocabSize: 40, tokenizerHash: "toy" };
    const pass = (pool: PhrasePool) => run(model(), ouroborosDrafter({ ...options, pool }), 32, 80);
    const pool = new PhrasePool({ ...identity, scope: "disk" });
    const first = pass(pool);
    savePool(pool, path);
    const second = pass(loadPool(path, identity));
    expect(second.tokens).toEqual(first.tokens);
    expect(second.rounds.length).toBeLessThan(first.rounds.length);
  });
});

describe("phrases alone", () => {
  test("serve where the small model is wrong, and then it is not run", () => {
    const model = () => toyModel({ logitScale: 6 });
    const future = truth(model(), prompt, 60);
    const rounds = (alone: boolean, budget: number) => {
      const pool = new PhrasePool({ vocabSize: 40 });
      [...prompt.slice(-1), ...future].forEach((token, i) => {
        if (i + 3 <= future.length) pool.insert(token, future.slice(i, i + 3), "text");
      });
      const small = counting(toyModel({ seed: 8 }));
      const drafter = ouroborosDrafter({ model: small, pool, curve: flat, ...bare, alone });
      return { rounds: run(model(), drafter, budget).rounds.length, smallForwards: small.forwards };
    };
    const [without, beside, instead] = [rounds(false, 32), rounds(true, 32), rounds(true, 6)];
    expect(beside.rounds).toBeLessThan(without.rounds / 2);
    expect(instead.smallForwards).toBeLessThan(without.smallForwards / 4);
  });
});

describe("scopes", () => {
  test("a request's phrases end with it; a session's serve the next", () => {
    const model = () => toyModel({ logitScale: 6 });
    const alone = ouroborosDrafter();
    const own = [run(model(), alone, 32), run(model(), alone, 32)];
    expect(emittedPerRound(own[1])).toEqual(emittedPerRound(own[0]));
    const pool = new PhrasePool({ vocabSize: 40, scope: "session" });
    const shared = ouroborosDrafter({ pool });
    const both = [run(model(), shared, 32), run(model(), shared, 32)];
    expect(both[1].rounds.length).toBeLessThan(both[0].rounds.length);
    expect(() => savePool(pool, "never.bin")).toThrow(/not written to disk/);
  });

  test("two sequences at once share a session's pool and keep their output", () => {
    const model = toyModel({ logitScale: 6 });
    const drafter = ouroborosDrafter({
      pool: new PhrasePool({ vocabSize: 40 }),
      model: toyModel({ seed: 8 }),
      curve: flat,
    });
    const generations = [prompt, [7, 7, 2]].map(
      (promptTokens) =>
        new Generation({
          model,
          sequence: model.open(),
          promptTokens,
          sampling: greedy,
          seed: 0,
          maxTokens: 30,
          drafters: [drafter],
          policy: { mode: "forced", budget: 16 },
        }),
    );
    const outputs: number[][] = [[], []];
    for (const generation of generations) while (generation.prefillStep(64) > 0);
    while (generations.some((generation) => !generation.finishReason)) {
      generations.forEach((generation, i) => {
        if (!generation.finishReason) outputs[i].push(...generation.step().emitted.map(({ token }) => token));
      });
    }
    expect(outputs).toEqual([truth(model, prompt, 30), truth(model, [7, 7, 2], 30)]);
    for (const generation of generations) generation.close();
  });
});

describe("the draft stage", () => {
  const context = (tokens: readonly number[]): TokenView => ({
    tokens: Int32Array.from(tokens),
    length: tokens.length,
    maxDepth: 40,
    maxNodes: 64,
  });
  const drafted = (options: OuroborosOptions, tokens: readonly number[] = prompt) => {
    const session = ouroborosDrafter({ gamma: 12, suffixes: 0, curve: flat, ...bare, ...options }).open(sequenceView());
    const [bid] = session.bid(context(tokens));
    const tree = session.expand(bid, bid.parent.length, 0);
    session.close();
    return Array.from(tree.token);
  };

  test("is the small model's greedy continuation, with phrases, with a window, with both", () => {
    const want = truth(toyModel({ seed: 8 }), prompt, 12);
    const model = () => toyModel({ seed: 8 });
    expect(drafted({ model: model(), guesses: 0 })).toEqual(want);
    expect(drafted({ model: model(), pool: randomPool(40) })).toEqual(want);
    expect(drafted({ model: model(), lookahead: { window: 4, level: 4 } })).toEqual(want);
    expect(drafted({ model: model(), lookahead: { window: 3, level: 4 }, pool: randomPool(40) })).toEqual(want);
  });

  test("takes several tokens in one forward where phrases are right", () => {
    const want = truth(toyModel({ seed: 8 }), prompt, 16);
    const pool = new PhrasePool({ vocabSize: 40 });
    [...prompt.slice(-1), ...want].forEach((token, i) => {
      if (i + 3 > want.length) return;
      pool.insert(token, want.slice(i, i + 3), "text");
      pool.insert(token, [(want[i] + 1) % 40, 0, 0], "text");
    });
    const slow = counting(toyModel({ seed: 8 }));
    const quick = counting(toyModel({ seed: 8 }));
    expect(drafted({ model: slow, guesses: 0 })).toEqual(want.slice(0, 12));
    expect(drafted({ model: quick, guesses: 20, pool })).toEqual(want.slice(0, 12));
    // Four tokens a forward, and no row of them is run again.
    expect(slow.starts).toEqual([0, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
    expect(quick.starts).toEqual([0, 11, 15]);
    // Nor does a phrase go on past the end of the draft: the last token is an output, not a row.
    const shorter = counting(toyModel({ seed: 8 }));
    drafted({ model: shorter, guesses: 20, pool, gamma: 10 });
    expect(shorter.last).toBe(prompt.length - 1 + 10 - 1);
  });

  test("leaves phrases out where they cost more than they save", () => {
    const steep: CostCurve = { ms: (width) => width, observe() {} };
    const widths: number[] = [];
    const model = toyModel({ seed: 8 });
    const watched = Object.assign(Object.create(model) as LanguageModel, {
      open: model.open.bind(model),
      forward(batch: ForwardBatch) {
        widths.push(batch.token.length);
        return model.forward(batch);
      },
    });
    drafted({ model: watched, pool: randomPool(40), curve: steep });
    expect(widths).toEqual([prompt.length, ...Array(11).fill(1)]);
  });
});

describe("options", () => {
  test("what does not fit is refused", () => {
    const pool = new PhrasePool({ vocabSize: 40, phraseLength: 3 });
    expect(() => ouroborosDrafter({ gamma: 0 })).toThrow(/gamma is 0/);
    expect(() => ouroborosDrafter({ suffixes: -1 })).toThrow(/suffixes/);
    expect(() => ouroborosDrafter({ pool, phraseLength: 4 })).toThrow(/phrases of 3 tokens, 4 are wanted/);
    expect(() => ouroborosDrafter({ lookahead: { window: 4, level: 4 }, phraseLength: 4 })).toThrow(/level 4/);
    expect(() => ouroborosDrafter({ lookahead: { window: 0, level: 4 } })).toThrow(/window/);
    const other = sequenceView({ vocabSize: 41 });
    const refusal = expect.objectContaining({ code: "vocabulary-mismatch" });
    expect(() => ouroborosDrafter({ pool }).open(other)).toThrow(refusal);
    expect(() => ouroborosDrafter({ model: toyModel() }).open(other)).toThrow(refusal);
  });
});
