import type { LanguageModel, Sequence } from "../lm/model.ts";
import type { AcceptanceTable } from "./calibration.ts";
import type { SampledDrafts } from "./drafters/sampled-draft.ts";
import type { DraftTree } from "./tree.ts";

/** Anything that proposes tokens. Shared between sequences: tables and weights live here, state lives in sessions. */
export interface Drafter {
  readonly name: string;
  /** Target layers whose hidden states `observe` wants to see. */
  readonly needs: { readonly hidden?: readonly number[] };
  /**
   * Why its drafts can be judged by `match` only, if so: tokens that were sampled, but neither with their q in
   * `DraftTree.draws` nor kept whatever they were. Drafts without q are point masses, and those every rule can judge.
   */
  readonly matchOnly?: string;
  /** Throws "vocabulary-mismatch" when the drafter's tokens are not the target's. */
  open(sequence: SequenceView): DraftSession;
}

/** What a drafter may know about the sequence it drafts for. */
export interface SequenceView {
  /** To be written into `DraftTree.source` for every node this session proposes. */
  readonly source: number;
  readonly vocabSize: number;
  /** Tokens the target's context can hold. */
  readonly contextLength: number;
  /** What has been learned about this drafter's chances on this target at this temperature; shared and kept. */
  readonly acceptance: AcceptanceTable;
  /**
   * Drafters that can draw their tokens do so, and hand over the distributions: verification is by `ratio`. Without it they
   * propose the likeliest tokens, point masses.
   */
  readonly sampled?: SampledDrafts;
  /** The prompt, for drafters that read it while the target does. */
  readonly prompt?: Int32Array;
  /**
   * The target itself, for drafters that run parts of it. Rows that a drafter appends to `sequence` are pending, and it
   * drops them before it returns: `sequence.compact([])`.
   */
  readonly target: { readonly model: LanguageModel; readonly sequence: Sequence };
}

/** The committed tokens, prompt and output. The last of them is the root: emitted, but not yet in the target's cache. */
export interface TokenView {
  /** The first `length` entries are the tokens; read them before returning, the buffer is reused. */
  readonly tokens: Int32Array;
  readonly length: number;
  /** Levels that can still be of use before the context or the token limit ends; at least 1. */
  readonly maxDepth: number;
  /** Nodes that can be verified in this round at all; at least 1. */
  readonly maxNodes: number;
}

/** An offer: nodes in some order, parents first, with chances and a price. Their tokens need not be known yet. */
export interface Bid {
  /** Node index of the parent, -1 = root. */
  readonly parent: Int32Array;
  /** Calibrated chance of each node, given that its parent was accepted; those of siblings sum to at most 1. */
  readonly chance: Float64Array;
  /** Milliseconds that `expand(bid, nodes)` would take. What the bid itself has cost is spent and does not count. */
  draftMs(nodes: number): number;
  /** Milliseconds that drafting takes now, once, for the good of later rounds too: `draftMs` counts a share. Default 0. */
  readonly onceMs?: number;
}

/** One sequence's drafting. */
export interface DraftSession {
  /**
   * What could be drafted after the root. Cheap: no network is run here. Empty when there is nothing to say. Tokens to be
   * drawn from a q must not have been drawn yet: what is bought may not depend on them.
   */
  bid(context: TokenView): readonly Bid[];
  /**
   * Drafts at most `nodes` nodes of a bid of this round: the ones with the highest path chance. A path whose chance has
   * fallen under `floor` does not pay for another node; 0 asks for all of them.
   */
  expand(bid: Bid, nodes: number, floor: number): DraftTree;
  /**
   * Called for chunks of the prompt, in order, of drafters that need hidden states: the rows `first` .. `first + rows - 1`.
   * Rows that were in the target's cache already are not among them.
   */
  prefilled?(
    tokens: Int32Array,
    first: number,
    rows: number,
    hidden: (row: number, layer: number) => Float32Array,
  ): void;
  /** Called when the tree of a round is settled, just before the target runs it: for drafters that draft meanwhile. */
  verifying?(tree: DraftTree): void;
  /** Called after every round, bought from or not. */
  observe(round: RoundResult): void;
  close(): void;
}

/** What the target said. Valid during `observe` only. */
export interface RoundResult {
  /** Committed tokens after the round, the emitted ones included. */
  readonly tokens: Int32Array;
  readonly length: number;
  /** Tokens of this round: the accepted ones and the target's own one after them, cut at a stop. */
  readonly emitted: readonly number[];
  /** The tree that was verified, all sources together. */
  readonly tree: DraftTree;
  /** Accepted nodes of `tree`, root side first. */
  readonly path: readonly number[];
  /** The target's most probable token after a node, rejected ones too; -1 is the root. Computed when asked for. */
  argmax(node: number): number;
  /** Hidden state [hiddenSize] of a node (-1 = root) at a layer that `needs.hidden` names. */
  hidden(node: number, layer: number): Float32Array;
}
