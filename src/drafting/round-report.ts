import type { Logprobs } from "./logprobs.ts";
import type { Decision } from "./market.ts";
import type { RoundRecord } from "./recording.ts";

export type FinishReason = "stop" | "stop-string" | "length" | "context";

export interface EmittedToken {
  readonly token: number;
  /** Name of the drafter that proposed it, or "target". */
  readonly source: string;
  /** Only of a generation that was asked for them. */
  readonly logprobs?: Logprobs;
}

/** Why and how a round ran. */
export interface RoundTrace {
  readonly decision: Decision;
  /** Nodes offered, by drafter. */
  readonly offered: Readonly<Record<string, number>>;
  /** Nodes verified, by drafter. */
  readonly proposed: Readonly<Record<string, number>>;
  /** Rows of the target's forward: 1 + nodes. */
  readonly width: number;
  /** Drafted tokens that were emitted. */
  readonly accepted: number;
  readonly expectedTokens: number;
  /** Milliseconds the decision expected, drafting included; 0 where nobody asked. */
  readonly expectedMs: number;
  readonly draftMs: number;
  readonly verifyMs: number;
}

export interface RoundReport {
  /** At least one token; the target's own one is last unless a stop came before it. */
  readonly emitted: readonly EmittedToken[];
  readonly finishReason: FinishReason | null;
  readonly trace: RoundTrace;
  /** Only of a generation that records. */
  readonly record?: RoundRecord;
}
