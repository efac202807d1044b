import type { Context } from "hono";
import { z } from "zod";
import { ApiError } from "../http/api-error.ts";
import { jsonBody } from "../http/json-body.ts";
import type { Service } from "../service.ts";

const tokens = z.array(z.int().min(0)).min(1);

const embeddingsSchema = z.object({
  model: z.string().nullish(),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1), tokens, z.array(tokens).min(1)], {
    error: "it must be a text, token ids, or an array of these, none of them empty",
  }),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).nullish(),
});

/** POST /v1/embeddings: mean-pooled hidden states, scaled to length 1. */
export async function embeddings(c: Context, service: Service): Promise<Response> {
  const { limits } = service.settings;
  const body = await jsonBody(c, embeddingsSchema, limits.bodyBytes);
  const inputs = inputsOf(body.input);
  if (inputs.length > limits.embeddingInputs) {
    throw wrong("input", `One request may have ${limits.embeddingInputs} texts, not ${inputs.length}.`);
  }
  const run = await service.start(c, body.model, 1);
  try {
    const { hiddenSize, vocabSize } = run.model.info;
    if (typeof body.dimensions === "number" && body.dimensions !== hiddenSize) {
      throw wrong("dimensions", `This model's vectors have ${hiddenSize} dimensions; they cannot be shortened.`);
    }
    for (const input of inputs) {
      const odd = typeof input === "string" ? undefined : input.tokens.find((token) => token >= vocabSize);
      if (odd !== undefined) {
        throw wrong("input", `Token ${odd} does not exist: the model has tokens 0 to ${vocabSize - 1}.`);
      }
    }
    const { embeddings: vectors, tokens: count } = await run.embed(inputs);
    const encode = body.encoding_format === "base64" ? toBase64 : (vector: Float32Array) => [...vector];
    return c.json({
      object: "list",
      data: vectors.map((vector, index) => ({ object: "embedding", index, embedding: encode(vector) })),
      model: run.modelId,
      usage: { prompt_tokens: count, total_tokens: count },
    });
  } finally {
    run.end();
  }
}

function inputsOf(input: z.infer<typeof embeddingsSchema>["input"]): (string | { readonly tokens: number[] })[] {
  if (typeof input === "string") return [input];
  if (typeof input[0] === "number") return [{ tokens: input as number[] }];
  return (input as (string | number[])[]).map((one) => (typeof one === "string" ? one : { tokens: one }));
}

/** Little-endian float32, which every machine that Node runs on has. */
function toBase64({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function wrong(param: string, message: string): ApiError {
  return new ApiError(400, message, { code: "invalid_value", param });
}
