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
});
