import type { DraftingReport } from "../drafting/index.ts";
import type { TokenLogprobs } from "./token-logprobs.ts";

/** One token as it comes. The texts of all of them together are the text of the result. */
export interface GeneratedToken {
  /** Empty while a character or a possible stop string is incomplete. */
  readonly text: string;
  /** What it adds to the thoughts of a reasoning model in a conversation; absent once they are over. */
  readonly thinking?: string;
  readonly token: number;
  /** The drafter that proposed it, or `target` for the model's own token. */
  readonly source: string;
  /** Where `logprobs` was asked for. */
  readonly logprobs?: TokenLogprobs;
}

/** `stop`: the model ended the text, or a stop string came. `context`: the context window is full. */
export type FinishReason = "stop" | "length" | "context";

export interface Timings {
  /** Reading the model, once for all its generations. */
  readonly loadMs: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  readonly tokensPerSecond: number;
}

export interface GenerateResult {
  readonly text: string;
  /** What a reasoning model thought before it, and the tokens that took. Absent where it did not. */
  readonly thinking?: { readonly text: string; readonly tokens: number };
  readonly tokenIds: readonly number[];
  readonly tokens: number;
  readonly promptTokens: number;
  /** Of these, tokens whose rows were there from an earlier request of the same scope. */
  readonly cachedTokens: number;
  readonly finishReason: FinishReason;
  /** The stop string that ended the text, if one did. */
  readonly stopString?: string;
  /** Of each token, where they were asked for. */
  readonly logprobs?: readonly TokenLogprobs[];
  /** Of each prompt token but the first, where they were asked for. */
  readonly promptLogprobs?: readonly TokenLogprobs[];
  readonly timings: Timings;
  readonly drafting: DraftingReport;
}
