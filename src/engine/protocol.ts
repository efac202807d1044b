import type { CurveGrid, DraftingReport, RoundReport } from "../drafting/index.ts";
import type { LoadOptions } from "../lm/load.ts";
import type { Adapter, Numerics } from "../lm/model.ts";
import type { NumericsProof } from "../lm/numerics.ts";
import type { DraftingOptions } from "./drafters/index.ts";
import type { GenerationRequest, WirePrompt } from "./request.ts";
import type { FinishReason, GeneratedToken } from "./result.ts";
import type { TokenLogprobs } from "./token-logprobs.ts";
import type { WireError } from "./wire-error.ts";

// What crosses between the thread of the caller and the thread of the model: plain data in both directions.

export interface HostOptions {
  readonly path: string;
  /** Draft models, best to cheapest. */
  readonly draftPaths: readonly string[];
  readonly drafting: DraftingOptions;
  readonly load: LoadOptions;
  /** Folder of saved cost curves; null keeps none. */
  readonly profiles: string | null;
  /** Requests that run at once; default 32. Others wait. */
  readonly parallel?: number;
}

export interface ModelInfo {
  /** `general.name` of the file; may be empty. */
  readonly name: string;
  readonly path: string;
  readonly architecture: string;
  readonly contextLength: number;
  readonly vocabSize: number;
  readonly layerCount: number;
  readonly hiddenSize: number;
  readonly numerics: Numerics;
  readonly threads: number;
  readonly device: string;
  readonly hash: string;
  /** Paths of the draft models, best to cheapest. */
  readonly draftModels: readonly string[];
  /** Names that `draft` accepts, beside `auto` and `off`. */
  readonly drafters: readonly string[];
  /** LoRA adapters beside the weights, by name, with the scale that every forward gives them. */
  readonly adapters: readonly Adapter[];
  /** Milliseconds to read target and draft models. */
  readonly loadMs: number;
  /** What the chat template needs to know. */
  readonly chat: {
    readonly template: string | undefined;
    readonly bosToken: string;
    readonly eosToken: string;
    readonly isChatMl: boolean;
    /** Texts of the control tokens, which mean nothing inside a message. */
    readonly controlTexts: readonly string[];
  };
}

/** ms[i][j]: milliseconds of a forward of widths[i] rows after kv[j]; and whether its rows depend on its width. */
export interface ProfileReport extends CurveGrid {
  readonly proof: NumericsProof;
}

/** A question to the host that is answered once, between two rounds. */
export type Call =
  | { readonly method: "encode"; readonly prompt: WirePrompt }
  | { readonly method: "decode"; readonly tokens: ArrayLike<number> }
  | { readonly method: "costCurve" }
  | {
      readonly method: "profile";
      readonly widths: readonly number[];
      readonly kv: readonly number[];
      readonly repeats: number;
    };

export type ToHost =
  | { readonly type: "embed"; readonly id: number; readonly prompts: readonly WirePrompt[] }
  | { readonly type: "generate"; readonly id: number; readonly request: GenerationRequest }
  | { readonly type: "abort"; readonly id: number }
  | { readonly type: "call"; readonly id: number; readonly call: Call }
  | { readonly type: "close" };

export interface Finished {
  readonly promptTokens: number;
  /** Of these, tokens whose rows were there from an earlier request. */
  readonly cachedTokens: number;
  readonly finishReason: FinishReason;
  readonly stopString?: string;
  readonly prefillMs: number;
  readonly decodeMs: number;
  readonly drafting: DraftingReport;
  readonly promptLogprobs?: readonly TokenLogprobs[];
}

export interface Embedded {
  /** [hiddenSize] of each text, of length 1. */
  readonly embeddings: readonly Float32Array[];
  readonly tokens: number;
}

export type FromHost =
  | { readonly type: "ready"; readonly info: ModelInfo }
  | { readonly type: "failed"; readonly error: WireError }
  | {
      readonly type: "round";
      readonly id: number;
      readonly tokens: readonly GeneratedToken[];
      readonly report?: RoundReport;
    }
  | { readonly type: "finished"; readonly id: number; readonly result: Finished }
  | { readonly type: "error"; readonly id: number; readonly error: WireError }
  | { readonly type: "reply"; readonly id: number; readonly value: unknown }
  | { readonly type: "progress"; readonly id: number; readonly share: number };

/** A thread outlives its models: it is told which to open, and says when they are closed. */
export type ToWorker = ToHost | { readonly type: "open"; readonly options: HostOptions };
export type FromWorker = FromHost | { readonly type: "closed" };
