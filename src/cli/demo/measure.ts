import type { GeneratedToken, GenerateResult, Model } from "../../engine/index.ts";
import type { Scene } from "./scenes.ts";

export interface Outcome {
  readonly scene: Scene;
  readonly plain: GenerateResult;
  readonly drafted: GenerateResult;
  readonly draftedTokens: readonly GeneratedToken[];
  /** Tokens per second of the fastest run: whatever else the machine does can only slow one down. */
  readonly plainSpeed: number;
  readonly draftedSpeed: number;
  readonly repeats: number;
  readonly same: boolean;
}

/**
 * Runs a scene plainly and drafted, in turns so that a busy moment hurts both, until there are fifteen pairs or `budgetMs`
 * is spent; one pair at least.
 */
export async function measure(model: Model, scene: Scene, budgetMs: number, signal: AbortSignal): Promise<Outcome> {
  const end = performance.now() + budgetMs;
  const { prompt, maxTokens, sampling } = scene;
  const plain: GenerateResult[] = [];
  const drafted: GenerateResult[] = [];
  let draftedTokens: GeneratedToken[] = [];
  const run = async (draft: "auto" | "off") => {
    const generating = model.generate(prompt, { maxTokens, ...sampling, draft, signal });
    const tokens: GeneratedToken[] = [];
    for await (const token of generating) tokens.push(token);
    return { tokens, result: await generating.result };
  };
  do {
    plain.push((await run("off")).result);
    const { tokens, result } = await run("auto");
    draftedTokens = tokens;
    drafted.push(result);
  } while (plain.length < 15 && performance.now() < end);
  const last = drafted.length - 1;
  const ids = JSON.stringify(plain[0].tokenIds);
  return {
    scene,
    plain: plain[last],
    drafted: drafted[last],
    draftedTokens,
    plainSpeed: fastest(plain),
    draftedSpeed: fastest(drafted),
    repeats: plain.length,
    same: [...plain, ...drafted].every((result) => JSON.stringify(result.tokenIds) === ids),
  };
}

function fastest(results: readonly GenerateResult[]): number {
  return Math.max(...results.map((result) => result.timings.tokensPerSecond));
}
