import type { PromptEntry } from "../../bench/harness/index.ts";
import type { GenerateOptions, GenerateResult, Model, Prompt } from "../../engine/index.ts";
import { DraftwrightError } from "../../errors.ts";
import type { ChatMessage } from "../../lm/chat-template.ts";

export interface MethodReport {
  tokens: number;
  differing: number;
  rounds: number;
  proposed: number;
  accepted: number;
}

export interface VerifyReport {
  prompts: number;
  /** Prompts left out because they do not fit the context. */
  skipped: number;
  /** Tokens of the plain runs. */
  tokens: number;
  /** Positions at which a drafted text was not the plain one, over all methods. */
  differing: number;
  numerics: "exact" | "fast";
  perMethod: Record<string, MethodReport>;
}

/** Decodes every prompt plainly and with every method, and counts positions that differ. */
export async function compare(
  model: Model,
  entries: readonly PromptEntry[],
  methods: readonly string[],
  options: GenerateOptions,
  onProgress: (done: number) => void,
): Promise<VerifyReport> {
  const perMethod: Record<string, MethodReport> = {};
  for (const method of methods) perMethod[method] = { tokens: 0, differing: 0, rounds: 0, proposed: 0, accepted: 0 };
  const report: VerifyReport = {
    prompts: 0,
    skipped: 0,
    tokens: 0,
    differing: 0,
    numerics: model.info.numerics,
    perMethod,
  };
  const run = (prompt: Prompt, draft: string, known?: string) => {
    const { budget, prediction = known, ...plain } = options;
    if (draft === "off") return model.generate(prompt, { ...plain, draft }).result;
    const own = draft === "auto" || draft === "prediction";
    return model.generate(prompt, { ...plain, draft, budget, prediction: own ? prediction : undefined }).result;
  };
  for (const [i, entry] of entries.entries()) {
    const fits = await everyTurn(entry, async (prompt) => {
      const plain = await run(prompt, "off");
      report.tokens += plain.tokens;
      for (const method of methods) {
        const differing = add(perMethod[method], await run(prompt, method, entry.prediction), plain);
        report.differing += differing;
      }
      return plain.text;
    });
    if (fits) report.prompts++;
    else report.skipped++;
    onProgress(i + 1);
  }
  return report;
}

/** Runs the turns of an entry, each after the plain answers to those before. False when one does not fit the context. */
async function everyTurn(entry: PromptEntry, run: (prompt: Prompt) => Promise<string>): Promise<boolean> {
  try {
    if ("prompt" in entry) {
      await run(entry.prompt);
      return true;
    }
    const messages: ChatMessage[] = [];
    for (const content of entry.turns) {
      messages.push({ role: "user", content });
      messages.push({ role: "assistant", content: await run({ messages: [...messages] }) });
    }
    return true;
  } catch (error) {
    if (error instanceof DraftwrightError && error.code === "context-overflow") return false;
    throw error;
  }
}

function add(report: MethodReport, drafted: GenerateResult, plain: GenerateResult): number {
  const differing = countDiffering(drafted.tokenIds, plain.tokenIds);
  report.tokens += drafted.tokens;
  report.differing += differing;
  report.rounds += drafted.drafting.rounds;
  report.proposed += drafted.drafting.proposed;
  report.accepted += drafted.drafting.accepted;
  return differing;
}

/** Positions with different tokens; those that only one text has count too. */
export function countDiffering(a: readonly number[], b: readonly number[]): number {
  let differing = Math.abs(a.length - b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) differing++;
  return differing;
}
