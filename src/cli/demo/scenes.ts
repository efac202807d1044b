import type { GenerateOptions } from "../../engine/index.ts";

/** A prompt that shows one side of drafting. */
export interface Scene {
  readonly title: string;
  readonly why: string;
  readonly prompt: string;
  readonly maxTokens: number;
  /** Default: greedy. */
  readonly sampling?: Pick<GenerateOptions, "temperature" | "topP" | "seed">;
}

const clause =
  "Either party may terminate this Agreement upon thirty (30) days prior written notice to the other party. Upon " +
  "termination, all sums due to Acme Widgets, Inc. shall become payable at once, and each party shall return the " +
  "Confidential Information of the other party within thirty (30) days. Acme Widgets, Inc. may retain one copy of the " +
  "Confidential Information for its legal records.";

export const scenes: readonly Scene[] = [
  {
    title: "Repeat a clause",
    why: "Most of the answer stands in the prompt, so `lookup` finds it there.",
    prompt: `Original clause:\n${clause}\n\nRevised clause (repeat it word for word):\n`,
    maxTokens: 160,
  },
  {
    title: "Continue a clause",
    why: "New text, sampled with a seed; a much smaller model guesses too.",
    prompt:
      "12. CONFIDENTIALITY. Each party agrees that it shall hold the Confidential Information of the other party in " +
      "strict confidence and shall not disclose",
    maxTokens: 96,
    sampling: { temperature: 0.7, topP: 0.9, seed: 1 },
  },
];
