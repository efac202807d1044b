import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from "@ai-sdk/provider";
import type { Constraint, DraftChoice, GenerateOptions, GenerateResult, Generating, Model } from "../engine/index.ts";
import {
  callConstraint,
  chosenTools,
  effortVariables,
  type OutputPart,
  type OutputReader,
  partsOf,
  type Tool,
  type ToolChoice,
  toolFormat,
  toolPrompt,
  toolReader,
  wholeAnswer,
} from "../server/tools/index.ts";
import { toChatMessages } from "./prompt.ts";

/** The model behind the AI SDK's interface. What it cannot do becomes a warning; wrong options throw `bad-argument`. */
export function languageModel(model: Model): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: "draftwright",
    modelId: model.info.name,
    supportedUrls: {},
    async doGenerate(options) {
      const { generating, reader, warnings } = start(model, options);
      const result = await generating.result;
      const content = wholeAnswer(reader, result).map(toContent);
      return {
        content,
        warnings,
        ...ending(
          result,
          content.some(({ type }) => type === "tool-call"),
        ),
      };
    },
    async doStream(options) {
      const { generating, reader, warnings } = start(model, options);
      return { stream: toStream(streamParts(model, generating, reader, warnings)) };
    },
  };
}

interface Started {
  readonly generating: Generating;
  readonly reader: OutputReader;
  readonly warnings: SharedV4Warning[];
}

function start(model: Model, options: LanguageModelV4CallOptions): Started {
  const warnings: SharedV4Warning[] = [];
  const { template } = model.info.chat;
  const { tools, forced } = chosenTools(toTools(options, warnings), toToolChoice(options));
  const constraint = forced ? callConstraint(tools) : formatConstraint(options);
  const names = tools.map((tool) => tool.function.name);
  const { draft, budget, prediction } = (options.providerOptions?.draftwright ?? {}) as {
    draft?: DraftChoice;
    budget?: number;
    prediction?: string;
  };
  const variables = effortVariables(options.reasoning === "provider-default" ? undefined : options.reasoning);
  const generateOptions: GenerateOptions = {
    maxTokens: options.maxOutputTokens,
    temperature: options.temperature ?? 1,
    topP: options.topP,
    topK: options.topK,
    presencePenalty: options.presencePenalty,
    frequencyPenalty: options.frequencyPenalty,
    seed: options.seed,
    stop: options.stopSequences,
    signal: options.abortSignal,
    draft,
    budget,
    prediction,
    ...(constraint && { constraint }),
  };
  return {
    generating: model.generate(
      { ...toolPrompt(template, toChatMessages(options.prompt), tools), variables },
      generateOptions,
    ),
    reader: toolReader(forced ? "bare" : toolFormat(template), forced || !constraint ? names : []),
    warnings,
  };
}

function toTools({ tools = [] }: LanguageModelV4CallOptions, warnings: SharedV4Warning[]): Tool[] {
  return tools.flatMap((tool): Tool[] => {
    if (tool.type === "function") {
      const { name, description, inputSchema } = tool;
      return [
        { type: "function", function: { name, description, parameters: inputSchema as Record<string, unknown> } },
      ];
    }
    warnings.push({ type: "unsupported", feature: `provider-defined tool ${tool.id}` });
    return [];
  });
}

function toToolChoice({ toolChoice }: LanguageModelV4CallOptions): ToolChoice {
  if (toolChoice?.type === "tool") return { type: "function", function: { name: toolChoice.toolName } };
  return toolChoice?.type ?? "auto";
}

function formatConstraint({ responseFormat }: LanguageModelV4CallOptions): Constraint | undefined {
  if (responseFormat?.type !== "json") return undefined;
  return responseFormat.schema ? { jsonSchema: responseFormat.schema } : { json: true };
}

function toContent(part: OutputPart): LanguageModelV4Content {
  if (part.type === "text") return part;
  if (part.type === "thinking") return { type: "reasoning", text: part.text };
  return { type: "tool-call", toolCallId: part.id, toolName: part.name, input: part.arguments };
}

function ending(result: GenerateResult, called: boolean) {
  const unified = called ? "tool-calls" : result.finishReason === "stop" ? "stop" : "length";
  const finishReason: LanguageModelV4FinishReason = { unified, raw: result.finishReason };
  const { rounds, proposed, accepted, numerics } = result.drafting;
  const providerMetadata: SharedV4ProviderMetadata = { draftwright: { rounds, proposed, accepted, numerics } };
  const reasoning = result.thinking?.tokens ?? 0;
  const usage: LanguageModelV4Usage = {
    inputTokens: {
      total: result.promptTokens,
      noCache: result.promptTokens - result.cachedTokens,
      cacheRead: result.cachedTokens,
      cacheWrite: undefined,
    },
    outputTokens: { total: result.tokens, text: result.tokens - reasoning, reasoning },
  };
  return { finishReason, usage, providerMetadata };
}

async function* streamParts(
  model: Model,
  generating: Generating,
  reader: OutputReader,
  warnings: SharedV4Warning[],
): AsyncGenerator<LanguageModelV4StreamPart> {
  yield { type: "stream-start", warnings };
  yield { type: "response-metadata", modelId: model.info.name, timestamp: new Date() };
  let blocks = 0;
  let open: { readonly id: string; readonly kind: "text" | "reasoning" } | undefined;
  let called = false;
  function* write(part: OutputPart): Generator<LanguageModelV4StreamPart> {
    if (part.type !== "tool-call") {
      const kind = part.type === "text" ? "text" : "reasoning";
      if (open?.kind !== kind) {
        yield* close();
        open = { id: String(blocks++), kind };
        yield { type: `${kind}-start`, id: open.id };
      }
      yield { type: `${kind}-delta`, id: open.id, delta: part.text };
      return;
    }
    yield* close();
    called = true;
    const { id, name, arguments: input } = part;
    yield { type: "tool-input-start", id, toolName: name };
    yield { type: "tool-input-delta", id, delta: input };
    yield { type: "tool-input-end", id };
    yield { type: "tool-call", toolCallId: id, toolName: name, input };
  }
  function* close(): Generator<LanguageModelV4StreamPart> {
    if (open) yield { type: `${open.kind}-end`, id: open.id };
    open = undefined;
  }
  try {
    for await (const token of generating) for (const part of partsOf(reader, token)) yield* write(part);
    for (const part of reader.end()) yield* write(part);
    yield* close();
    yield { type: "finish", ...ending(await generating.result, called) };
  } catch (error) {
    yield { type: "error", error };
  }
}

function toStream(parts: AsyncGenerator<LanguageModelV4StreamPart>): ReadableStream<LanguageModelV4StreamPart> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await parts.return(undefined);
    },
  });
}
