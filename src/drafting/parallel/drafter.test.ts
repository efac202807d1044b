import { describe, expect, test } from "vitest";
import { toyModel } from "../../lm/toy/index.ts";
import type { CostCurve } from "../cost-curve.ts";
import { Generation } from "../generation.ts";
import type { Policy } from "../market.ts";
import { type ParallelDrafterOptions, parallelDrafter } from "./drafter.ts";
import type { DraftLink } from "./link.ts";
import { MailboxLink } from "./link.ts";
import { Mailbox } from "./mailbox.ts";
import type { ToDraftSide } from "./messages.ts";
import { steppedLink } from "./testing/stepped-link.ts";

const vocabSize = 40;
const target = toyModel({ vocabSize, contextLength: 96, logitScale: 3 });
const drafter = toyModel({ vocabSize, contextLength: 96, logitScale: 2 });
const curve: CostCurve = { ms: (width) => 1 + 0.06 * (width - 1), observe() {} };
const cheap: CostCurve = { ms: (width) => 0.05 * width, observe() {} };

function generate(
  options: Partial<ParallelDrafterOptions> & Pick<ParallelDrafterOptions, "link">,
  policy: Policy,
  seed = 1,
) {
  let now = 0;
  const clock = () => {
    now += 0.01;
    return now;
  };
  const parallel = parallelDrafter({ vocabSize, curve: cheap, targetCurve: curve, clock, ...options });
  const generation = new Generation({
    model: target,
    sequence: target.open(),
    promptTokens: [seed, 2, 3, 4, 5 + (seed % 30)],
    sampling: { temperature: 0.7 },
    seed,
    maxTokens: 60,
    drafters: [parallel],
    policy,
    curve,
    clock,
  });
  while (generation.prefillStep(5) > 0);
  const rounds = [];
  while (!generation.finishReason) rounds.push(generation.step());
  generation.close();
  const tokens = rounds.flatMap(({ emitted }) => emitted.map(({ token }) => token));
  return { tokens, rounds, stats: parallel.stats };
}

describe("the target's side", () => {
  test.each([1, 2, 4, 8])("a drafter that works is never waited for in vain, budget %i", (budget) => {
    for (let seed = 0; seed < 12; seed++) {
      for (const pace of [1, 6, 40]) {
        const { stats } = generate({ link: steppedLink(drafter, { seed, pace }) }, { mode: "forced", budget }, seed);
        expect([stats.timeouts, stats.resyncs]).toEqual([0, 0]);
        expect(stats.accepted).toBeGreaterThan(0);
      }
    }
  });

  const plain = generate({ link: silentLink() }, { mode: "off" }).tokens;

  test("a drafter that never answers costs nothing: no wait, and the same text", () => {
    for (const policy of [{ mode: "forced", budget: 4 }, { mode: "auto" }] as const) {
      const nobody = new MailboxLink(new Mailbox(Mailbox.allocate(64)), new Mailbox(Mailbox.allocate(64)));
      for (const link of [nobody, silentLink()]) {
        const { tokens, rounds, stats } = generate({ link }, policy);
        expect(tokens).toEqual(plain);
        expect(rounds.every(({ trace }) => trace.width === 1)).toBe(true);
        expect(stats.waitMs).toBe(0);
      }
    }
  });

  test("a drafter that stops is waited for once, then decoding goes on plainly", () => {
    for (let diesAfter = 4; diesAfter < 14; diesAfter++) {
      const { tokens, stats } = generate({ link: steppedLink(drafter, { diesAfter }) }, { mode: "forced", budget: 4 });
      expect(tokens).toEqual(plain);
      expect(stats.timeouts).toBeLessThanOrEqual(1);
    }
  });

  test("delays of either side change nothing", () => {
    for (let seed = 0; seed < 20; seed++) {
      const policy: Policy = seed % 2 === 0 ? { mode: "auto" } : { mode: "forced", budget: 1 + (seed % 7) };
      expect(generate({ link: steppedLink(drafter, { seed, pace: 1 + seed * 3 }) }, policy).tokens).toEqual(plain);
    }
  });

  test("the first token is not waited for, and the drafter reads the prompt before the target does", () => {
    const sent: ToDraftSide[] = [];
    let waits = 0;
    const link = silentLink(
      (message) => sent.push(message),
      () => waits++,
    );
    generate({ link }, { mode: "forced", budget: 4 });
    expect(sent.slice(0, 2).map(({ kind }) => kind)).toEqual(["open", "text"]);
    expect(waits).toBe(0);
    expect(sent.at(-1)?.kind).toBe("close");
  });

  test("what is being verified is told in every round, with a hash of the text", () => {
    const sent: ToDraftSide[] = [];
    const inner = steppedLink(drafter, { seed: 5 });
    const link: DraftLink = {
      ...inner,
      send(message) {
        sent.push(message);
        inner.send(message);
      },
    };
    const { rounds } = generate({ link }, { mode: "forced", budget: 4 });
    const texts = sent.filter((message) => message.kind === "text");
    expect(texts).toHaveLength(1 + rounds.length);
    expect(texts.every(({ hash }) => hash !== undefined)).toBe(true);
    const plans = sent.filter((message) => message.kind === "plan" && message.sequences > 1);
    expect(plans).toHaveLength(rounds.length);
    expect(plans.some((message) => message.kind === "plan" && message.depth > 0)).toBe(true);
  });

  test("sides that disagree about the text find it out and mend it", () => {
    let resyncs = 0;
    for (let seed = 0; seed < 10; seed++) {
      const { tokens, stats } = generate({ link: steppedLink(drafter, { seed, faults: 0.2 }) }, { mode: "auto" });
      expect(tokens).toEqual(plain);
      resyncs += stats.resyncs;
    }
    expect(resyncs).toBeGreaterThan(0);
  });

  test("is refused beside ratio verification, and for another vocabulary", () => {
    const other = parallelDrafter({ link: silentLink(), vocabSize: 7 });
    const options = { model: target, promptTokens: [1], sampling: { temperature: 1 }, seed: 0, maxTokens: 4 };
    const open = (parallel: ReturnType<typeof parallelDrafter>, verify: "match" | "ratio") =>
      new Generation({ ...options, sequence: target.open(), drafters: [parallel], verify });
    expect(() => open(other, "match")).toThrow(/same family/);
    expect(() => open(parallelDrafter({ link: silentLink(), vocabSize }), "ratio")).toThrow(/matter of time/);
  });
});

/** Nobody at the other end. */
function silentLink(send: (message: ToDraftSide) => void = () => {}, wait: () => void = () => {}): DraftLink {
  return { send, receive: () => undefined, wait };
}
