import { DraftwrightError } from "../errors.ts";
import type { Adapter, LanguageModel, Sequence } from "../lm/model.ts";
import type { SamplingParams } from "../lm/sampling/index.ts";
import type { Calibration } from "./calibration.ts";
import type { Constraint } from "./constraint.ts";
import type { CostCurve } from "./cost-curve.ts";
import type { Drafter } from "./drafter.ts";
import type { Guard } from "./guard.ts";
import type { Policy } from "./market.ts";

/** Source of the tokens that nobody drafted. */
export const targetName = "target";

export interface GenerationOptions {
  readonly model: LanguageModel;
  /**
   * Holds nothing, or the keys and values of the first `sequence.length` prompt tokens (at most all but the last). The
   * generation owns it once it is made.
   */
  readonly sequence: Sequence;
  readonly promptTokens: ArrayLike<number>;
  readonly sampling: SamplingParams;
  readonly seed: number;
  /** Index among the answers to one prompt; default 0. */
  readonly completion?: number;
  readonly drafters?: readonly Drafter[];
  /** Default `auto`. */
  readonly policy?: Policy;
  /**
   * `match` (default): the tokens of plain decoding, whatever is drafted. `ratio`: tokens of the same law; sampled drafts
   * are kept more often. Without sampled drafts, or at temperature 0, they are the same. See docs/verification.md.
   */
  readonly verify?: "match" | "ratio";
  readonly maxTokens: number;
  /** Of the target's forwards, as in `ForwardBatch`: this one, null for none, absent for those it was loaded with. */
  readonly adapter?: Adapter | null;
  /** End-of-generation tokens. The one that ends the text is emitted. */
  readonly stopTokens?: ReadonlySet<number>;
  /** Asked once for each emitted token, in order; true ends the text after that token (a stop string is complete). */
  readonly isStopText?: (token: number) => boolean;
  /** What the output may be. Tokens it forbids are never emitted, whatever is drafted; where it is complete the text ends. */
  readonly constraint?: Constraint;
  /** Fill `EmittedToken.logprobs`, with so many of the likeliest tokens. */
  readonly logprobs?: number;
  /** Keep `Generation.promptLogprobs`, with so many of the likeliest tokens. The sequence must be empty. */
  readonly promptLogprobs?: number;
  /** What is learned across generations of one target: its cost, the drafters' chances, whether drafting pays. */
  readonly curve?: CostCurve;
  readonly calibration?: Calibration;
  readonly guard?: Guard;
  /** Fill `RoundReport.record`. Decisions stay what they are. Default false. */
  readonly record?: boolean;
  /** Milliseconds. Every decision follows from seed, curve and clock. */
  readonly clock?: () => number;
}

/** Throws "bad-argument" or "context-overflow" (prompt too long). */
export function checkOptions(options: GenerationOptions, policy: Policy): void {
  const { model, sequence, promptTokens, maxTokens, drafters = [] } = options;
  const limit = Math.min(model.contextLength, sequence.capacity);
  if (promptTokens.length === 0) {
    throw new DraftwrightError("bad-argument", "The prompt is empty. Give at least the begin-of-text token.");
  }
  if (promptTokens.length >= limit) {
    throw new DraftwrightError(
      "context-overflow",
      `The prompt has ${promptTokens.length} tokens and the context holds ${limit}. Cut it, or use a longer context.`,
    );
  }
  if (sequence.length >= promptTokens.length || sequence.pending > 0) {
    throw new DraftwrightError(
      "bad-argument",
      "The sequence holds more than the prompt. Truncate it to what they share.",
    );
  }
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new DraftwrightError("bad-argument", `maxTokens is ${maxTokens}; it must be an integer >= 1.`);
  }
  if (policy.budget !== undefined && (!Number.isInteger(policy.budget) || policy.budget < 1)) {
    throw new DraftwrightError(
      "bad-argument",
      `The budget is ${policy.budget}; it must be an integer >= 1, or mode "off".`,
    );
  }
  if (policy.mode === "forced" && policy.budget === undefined) {
    throw new DraftwrightError("bad-argument", "Forced drafting needs a budget: how many nodes?");
  }
  const { verify = "match" } = options;
  if (verify !== "match" && verify !== "ratio") {
    throw new DraftwrightError("bad-argument", `verify is ${String(verify)}; it must be "match" or "ratio".`);
  }
  const unfit = verify === "ratio" ? drafters.find(({ matchOnly }) => matchOnly !== undefined) : undefined;
  if (unfit) {
    throw new DraftwrightError(
      "bad-argument",
      `Drafter "${unfit.name}" cannot be verified by ratio: ${unfit.matchOnly}. Use verify: "match", or leave it out.`,
    );
  }
  const names = [targetName, ...drafters.map((drafter) => drafter.name)];
  if (new Set(names).size !== names.length) {
    throw new DraftwrightError(
      "bad-argument",
      `Drafters need different names, none of them "target": ${names.slice(1)}.`,
    );
  }
}
