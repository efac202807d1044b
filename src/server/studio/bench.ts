import type { Context } from "hono";
import { z } from "zod";
import { machine, runBench, summarise } from "../../bench/harness/index.ts";
import { ApiError } from "../http/api-error.ts";
import { jsonBody } from "../http/json-body.ts";
import type { Service } from "../service.ts";
import { progressResponse } from "./progress.ts";

const promptSchema = z.object({
  category: z.string().max(100).nullish(),
  prompt: z.string().min(1),
  prediction: z.string().nullish(),
});

const benchSchema = z.object({
  model: z.string().nullish(),
  methods: z.array(z.string().min(1)).min(1, "choose a method").max(8),
  prompts: z.array(promptSchema).min(1, "it needs a prompt").max(64),
  maxTokens: z.int().min(1).max(1024),
  repeats: z.int().min(1).max(10),
  temperature: z.number().min(0).max(2),
});

/** POST /studio/api/bench: methods against plain decoding, in turn, as `draftwright bench` does it. */
export async function runStudioBench(c: Context, service: Service): Promise<Response> {
  const { settings } = service;
  const body = await jsonBody(c, benchSchema, settings.limits.bodyBytes);
  const { methods, maxTokens, repeats, temperature } = body;
  if (maxTokens > settings.limits.maxTokens) {
    throw new ApiError(400, `One generation may have ${settings.limits.maxTokens} tokens on this server.`, {
      param: "maxTokens",
    });
  }
  const prompts = body.prompts.map(({ category, prompt, prediction }) => ({
    prompt,
    ...(category && { category }),
    ...(prediction && { prediction }),
  }));
  const run = await service.start(c, body.model, 1);
  return progressResponse<{ done: number; of: number }, object>(service, async (report, left) => {
    try {
      const { model, modelId } = run;
      const signal = AbortSignal.any([run.signal, left]);
      const where = machine();
      const runs = await runBench(model, prompts, {
        methods,
        repeats,
        warmups: 1,
        survey: false,
        generate: { maxTokens, temperature, seed: 0, signal, overflow: "truncate-left" },
        onProgress: (done, of) => report({ done, of }),
      });
      if (runs.plain.length === 0) throw new ApiError(400, `No prompt could be run: ${runs.skipped[0]?.reason}`);
      return {
        model: modelId,
        machine: where,
        numerics: model.info.numerics,
        prompts: runs.plain.length,
        skipped: runs.skipped,
        differing: runs.differing,
        plainTokensPerSecond: runs.plain.reduce((total, { speed }) => total + speed, 0) / runs.plain.length,
        methods: Object.fromEntries(methods.map((name) => [name, summarise(runs.methods[name], runs.plain) ?? null])),
      };
    } catch (error) {
      throw run.explain(error);
    } finally {
      run.end();
    }
  });
}
