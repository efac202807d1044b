// Fields that the text endpoints share, and what they mean to the engine.
import { z } from "zod";
import type { GenerateOptions } from "../../engine/index.ts";
import { ApiError } from "../http/api-error.ts";
import type { Settings } from "../options.ts";

const number = (least: number, most: number) => z.number().min(least).max(most).nullish();
const integer = (least: number, most = Number.MAX_SAFE_INTEGER) => z.int().min(least).max(most).nullish();

const draftNames = z.union([z.string(), z.array(z.string()).min(1)]);
const draft = z.union(
  [
    draftNames,
    z.object({
      method: draftNames.nullish(),
      budget: integer(1, 256),
      sources: z.boolean().nullish(),
      rounds: z.boolean().nullish(),
    }),
  ],
  { error: 'it must be "auto", "off", drafters, or { method, budget, sources, rounds }' },
);

export const predictionText = z.union([z.string(), z.array(z.object({ type: z.literal("text"), text: z.string() }))]);

/** -1, as some clients say: as many as there is room for. */
export const tokenLimit = z
  .int()
  .refine((n) => n > 0 || n === -1, "it must be 1 or more, or -1 for as many as there is room for")
  .transform((n) => (n === -1 ? undefined : n))
  .nullish();

export const samplingFields = {
  model: z.string().nullish(),
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_k: integer(0),
  min_p: number(0, 1),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  repetition_penalty: number(0.01, 10),
  logit_bias: z.record(z.string().regex(/^\d+$/, "keys must be token ids"), z.number().min(-100).max(100)).nullish(),
  seed: integer(Number.MIN_SAFE_INTEGER),
  stop: z
    .union([z.string().min(1), z.array(z.string().min(1)).max(16)], {
      error: "it must be a text that is not empty, or up to 16 of them",
    })
    .nullish(),
  n: integer(1, 128),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  prediction: z.object({ type: z.literal("content"), content: predictionText }).nullish(),
  /** `auto`: a prompt that is too long loses its beginning. */
  truncation: z.enum(["auto", "disabled"]).nullish(),
  draft: draft.nullish(),
  adapter: z
    .union([z.string(), z.object({ name: z.string(), scale: z.number().optional() }), z.literal(false)], {
      error: "it must be a LoRA adapter's name, { name, scale }, or false for none",
    })
    .nullish(),
};

export type SamplingBody = Partial<z.infer<z.ZodObject<typeof samplingFields>>>;

/** Options of every choice but for its seed. `maxTokens`: what the request asks for. */
export function generateOptions(
  body: SamplingBody,
  maxTokens: number | undefined,
  settings: Settings,
  contextLength: number,
): GenerateOptions {
  const { limits } = settings;
  if (maxTokens !== undefined && maxTokens > limits.maxTokens) {
    throw new ApiError(400, `One generation may have ${limits.maxTokens} tokens on this server, not ${maxTokens}.`, {
      code: "invalid_value",
      param: "max_tokens",
    });
  }
  const { method, budget } = draftOf(body);
  const choice = method ?? settings.draft;
  const isOff = choice === "off" || (Array.isArray(choice) && choice.join() === "off");
  const prediction = isOff ? undefined : textOf(body.prediction?.content);
  return {
    draft: choice,
    budget: budget ?? undefined,
    adapter: body.adapter ?? undefined,
    // A prediction only drafts; without drafting it has no effect.
    prediction,
    maxTokens: maxTokens ?? Math.min(limits.maxTokens, contextLength),
    temperature: body.temperature ?? 1,
    // 0 keeps the likeliest token; the sampler wants a share above 0.
    topP: body.top_p === 0 ? Number.MIN_VALUE : (body.top_p ?? undefined),
    topK: body.top_k ?? undefined,
    minP: body.min_p ?? undefined,
    presencePenalty: body.presence_penalty ?? undefined,
    frequencyPenalty: body.frequency_penalty ?? undefined,
    repetitionPenalty: body.repetition_penalty ?? undefined,
    logitBias: body.logit_bias ?? undefined,
    stop: body.stop ?? undefined,
    ...(body.truncation === "auto" && { overflow: "truncate-left" as const }),
  };
}

/** Seeds of the choices: the first has the request's own, so that n = 1 and choice 0 of n = 4 are equal. */
export function choiceSeed(seed: number | null | undefined, choice: number): number | undefined {
  if (seed === null || seed === undefined) return undefined;
  const least = seed < 0 ? seed + Number.MAX_SAFE_INTEGER : seed;
  return (least + choice) % Number.MAX_SAFE_INTEGER;
}

/** Whether the answer shows which drafter proposed each token. */
export function wantsSources(body: SamplingBody): boolean {
  return draftOf(body).sources === true;
}

/** Whether a stream shows its rounds: draft trees, what was accepted, and what they cost. */
export function wantsRounds(body: SamplingBody): boolean {
  return body.stream === true && draftOf(body).rounds === true;
}

function draftOf({ draft }: SamplingBody) {
  if (draft === null || draft === undefined) return {};
  return typeof draft === "object" && !Array.isArray(draft) ? draft : { method: draft };
}

function textOf(content: z.infer<typeof predictionText> | undefined): string | undefined {
  return Array.isArray(content) ? content.map(({ text }) => text).join("") : content;
}
