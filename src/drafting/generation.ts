import { DraftwrightError } from "../errors.ts";
import { chainBatch, type ForwardBatch, type ForwardResult, type Sequence } from "../lm/model.ts";
import {
  argmax,
  createHistory,
  createSampler,
  keyedUniform,
  type Sampler,
  type TokenHistory,
} from "../lm/sampling/index.ts";
import { Calibration } from "./calibration.ts";
import { ConstrainedText } from "./constraint.ts";
import { type CostCurve, unmeasuredCurve } from "./cost-curve.ts";
import type { RoundResult, TokenView } from "./drafter.ts";
import { seededPick } from "./drafters/sampled-draft.ts";
import { checkOptions, type GenerationOptions, targetName } from "./generation-options.ts";
import { Guard } from "./guard.ts";
import { LogprobReader, type Logprobs } from "./logprobs.ts";
import { type Draft, Market, type Seat } from "./market.ts";
import { type Prices, soloPrices } from "./prices.ts";
import { recordOffer, recordTree } from "./recording.ts";
import { RoundBatches } from "./round-batch.ts";
import type { EmittedToken, FinishReason, RoundReport } from "./round-report.ts";
import { type DraftTree, emptyTree, Role } from "./tree.ts";
import { type Verdict, verifyMatch } from "./verify.ts";
import { keyedChoices, type RatioChoices, verifyRatio } from "./verify-ratio.ts";

const defaultBudget = 32;
const nothingProposed: Readonly<Record<string, number>> = {};

/** What was drafted for a round. */
export interface DraftedRound extends Pick<Draft, "tree" | "uncut" | "forecast"> {
  /** Nodes that this text may have verified. */
  readonly maxNodes: number;
}

interface OpenRound {
  readonly draft: Draft;
  readonly draftMs: number;
  readonly prices: Prices;
}

/**
 * One text being decoded, as a synchronous step machine: `prefillStep` until it returns 0, then `step` until a report
 * carries a finish reason. Plain decoding is the same machine with nothing drafted. Prompt and output together never
 * exceed the context (or the rows of the sequence, if fewer).
 */
export class Generation {
  /** Names by `DraftTree.source`; 0 is the target. */
  readonly sources: readonly string[];
  finishReason: FinishReason | null = null;
  private readonly options: GenerationOptions;
  private readonly sequence: Sequence;
  private readonly tokens: Int32Array;
  private length: number;
  private readonly promptLength: number;
  private readonly sampler: Sampler;
  private readonly history: TokenHistory;
  private readonly draws: (position: number) => number;
  /** Absent = `match`. */
  private readonly ratio: RatioChoices | undefined;
  private readonly curve: CostCurve;
  private readonly guard: Guard;
  private readonly clock: () => number;
  private readonly seats: Seat[] = [];
  private readonly market: Market;
  private readonly batches: RoundBatches;
  private readonly budget: number;
  private readonly auto: boolean;
  private readonly surveys: boolean;
  private readonly verdict: Verdict = { path: [], emitted: [] };
  private readonly constrained: ConstrainedText | undefined;
  private readonly logprobs: LogprobReader | undefined;
  /** Of prompt tokens 1, 2, ..: nothing comes before the first. Empty where they were not asked for. */
  readonly promptLogprobs: Logprobs[] = [];
  private round: OpenRound | undefined;
  private closed = false;

  /** Throws "bad-argument", "context-overflow" (prompt too long) or what the drafters throw on opening. */
  constructor(options: GenerationOptions) {
    const { model, sequence, promptTokens, sampling, seed, completion = 0, drafters = [] } = options;
    const policy = options.policy ?? { mode: "auto" };
    checkOptions(options, policy);
    this.options = options;
    this.sequence = sequence;
    this.tokens = new Int32Array(Math.min(model.contextLength, sequence.capacity));
    this.tokens.set(promptTokens);
    this.length = promptTokens.length;
    this.promptLength = promptTokens.length;
    this.sampler = createSampler(sampling, model.vocabSize);
    this.history = createHistory(sampling, model.vocabSize, promptTokens);
    this.draws = (position) => keyedUniform(seed, completion, position);
    if (options.verify === "ratio") {
      this.ratio = keyedChoices((position, stream) => keyedUniform(seed, completion, position, stream));
    }
    if (options.constraint) this.constrained = new ConstrainedText(options.constraint);
    if (options.logprobs !== undefined) this.logprobs = new LogprobReader(options.logprobs);
    this.curve = options.curve ?? unmeasuredCurve();
    this.guard = options.guard ?? new Guard();
    this.clock = options.clock ?? (() => performance.now());
    this.budget = policy.budget ?? defaultBudget;
    this.auto = policy.mode === "auto";
    this.surveys = policy.mode === "survey";
    this.sources = [targetName, ...drafters.map((drafter) => drafter.name)];
    const layers = [...new Set(drafters.flatMap((drafter) => drafter.needs.hidden ?? []))];
    this.batches = new RoundBatches(layers, options.adapter);
    const calibration = options.calibration ?? new Calibration();
    // A drawn token is kept more often by ratio than by match.
    const draws = this.ratio !== undefined && sampling.temperature > 0;
    const conditions = `temperature ${sampling.temperature.toFixed(1)}${this.ratio ? ", ratio" : ""}`;
    try {
      for (const drafter of policy.mode === "off" ? [] : drafters) {
        const source = this.sources.indexOf(drafter.name);
        const session = drafter.open({
          source,
          vocabSize: model.vocabSize,
          contextLength: this.tokens.length,
          prompt: this.tokens.subarray(0, this.length),
          target: { model, sequence },
          acceptance: calibration.table(`${drafter.name} at ${conditions}`),
          ...(draws && { sampled: { sampling, pick: seededPick(seed, completion, source) } }),
        });
        this.seats.push({ name: drafter.name, session });
      }
    } catch (error) {
      for (const { session } of this.seats) session.close();
      throw error;
    }
    this.market = new Market(this.seats, policy, this.guard, this.clock, model.vocabSize, this.ratio !== undefined);
  }

  /** Committed rows of the target. */
  get rows(): number {
    return this.sequence.length;
  }

  /** Prompt tokens that `prefillStep` has not run yet. The last prompt token is not one of them: it is the first root. */
  get prefillLeft(): number {
    return Math.max(0, this.promptLength - 1 - this.sequence.length);
  }

  /** Runs up to `chunkRows` prompt tokens; returns how many are left. Chunks do not depend on drafters or policy. */
  prefillStep(chunkRows: number): number {
    this.assertOpen();
    if (!(chunkRows >= 1))
      throw new DraftwrightError("bad-argument", `A chunk of ${chunkRows} rows makes no progress.`);
    const start = this.sequence.length;
    const rows = Math.min(chunkRows, this.prefillLeft);
    if (rows > 0) {
      const { promptLogprobs: counted, adapter } = this.options;
      const batch = chainBatch(
        this.sequence,
        this.tokens.subarray(start, start + rows),
        counted === undefined ? "none" : "all",
      );
      const { layers } = this.batches;
      const all = new Uint8Array(rows).fill(1);
      const wantHidden = layers.length > 0 ? { layers, rows: all } : undefined;
      const result = this.options.model.forward({
        ...batch,
        prompt: true,
        ...(adapter !== undefined && { adapter }),
        ...(wantHidden && { wantHidden }),
      });
      if (counted !== undefined) {
        const reader = new LogprobReader(counted);
        for (let row = 0; row < rows; row++) {
          reader.read(result.logits(row));
          this.promptLogprobs.push(reader.of(row, this.tokens[start + row + 1]));
        }
      }
      if (wantHidden) {
        const hidden = (row: number, layer: number) => result.hidden(row - start, layer);
        for (const { session } of this.seats) session.prefilled?.(this.tokens, start, rows, hidden);
      }
      this.sequence.compact(Int32Array.from({ length: rows }, (_, i) => i));
    }
    return this.prefillLeft;
  }

  /** One round alone: bids, purchase, drafts, one target forward, verification. Emits at least one token. */
  step(): RoundReport {
    const kv = this.sequence.length;
    const prices = soloPrices(this.curve, kv);
    this.draft(prices);
    const batch = this.prepare();
    const start = this.clock();
    const result = this.options.model.forward(batch);
    const verifyMs = this.clock() - start;
    this.curve.observe(batch.token.length, kv, verifyMs);
    return this.finish(result, 0, verifyMs);
  }

  /** Bids and drafts of a round at these prices. `prepare` and `finish` must follow. */
  draft(prices: Prices): DraftedRound {
    this.assertOpen();
    if (this.finishReason) throw new DraftwrightError("bad-argument", "The text has ended; close the generation.");
    if (this.prefillLeft > 0) {
      throw new DraftwrightError(
        "bad-argument",
        "The prompt is not in the cache yet: call prefillStep until it returns 0.",
      );
    }
    const start = this.clock();
    const view = this.view();
    const bought = this.market.draft(view, prices);
    const draft = this.constrained ? { ...bought, tree: this.constrained.prune(bought.tree) } : bought;
    this.round = { draft, draftMs: this.clock() - start, prices };
    return { ...draft, maxNodes: view.maxNodes };
  }

  /**
   * The rows of a drafted round, valid until the next one: the root, then at most `nodes` nodes, by default as many as pay
   * in a forward of their own. A draft that is not `uncut` stays as it is.
   */
  prepare(nodes?: number): ForwardBatch {
    const { draft, draftMs, prices } = this.drafted();
    const start = this.clock();
    const cut = this.market.cut(draft, nodes ?? this.market.worth(draft, this.view(), prices), prices);
    const batch = this.batches.fill(this.sequence, this.tokens[this.length - 1], cut.tree);
    for (const { session } of this.seats) session.verifying?.(cut.tree);
    this.constrained?.begin(cut.tree);
    this.round = { draft: cut, draftMs: draftMs + this.clock() - start, prices };
    return batch;
  }

  /** After a forward that failed: the prepared round can be tried again. */
  dropPending(): void {
    this.sequence.compact([]);
  }

  /**
   * Everything of a round after its forward. `firstRow`: the row of `result` that is the first one of the prepared batch;
   * the others follow it. `verifyMs`: what the forward took, of a shared one this text's part. Logits are read now: call it
   * before the next forward.
   */
  finish(result: ForwardResult, firstRow: number, verifyMs: number): RoundReport {
    this.assertOpen();
    const { draft, draftMs, prices } = this.drafted();
    this.round = undefined;
    const kv = this.sequence.length;
    const emitted = this.verify(draft.tree, result, firstRow);
    const record = this.options.record && {
      kv,
      tree: recordTree(draft.tree, this.sources),
      path: [...this.verdict.path],
      offers: draft.offers.map(recordOffer),
    };
    this.observe(draft.tree, result, firstRow);
    if (this.auto) {
      const { plainMs } = prices;
      if (!draft.paid) this.guard.charge(draftMs, plainMs);
      this.guard.settle(
        draft.paid,
        emitted.length,
        draftMs + verifyMs,
        draft.forecast.milliseconds,
        plainMs,
        draft.tried,
      );
    }
    return {
      emitted,
      finishReason: this.finishReason,
      ...(record && { record }),
      trace: {
        decision: draft.decision,
        offered: draft.offered,
        proposed: this.countBySource(draft.tree),
        width: draft.tree.token.length + 1,
        accepted: this.verdict.path.length,
        expectedTokens: draft.forecast.tokens,
        expectedMs: draft.forecast.milliseconds,
        draftMs,
        verifyMs,
      },
    };
  }

  /** Frees the rows of the drafters, and of the target unless they are kept; at any time and any number of times. */
  close({ keepSequence = false } = {}): void {
    if (this.closed) return;
    this.closed = true;
    for (const { session } of this.seats) session.close();
    if (!keepSequence) this.sequence.close();
  }

  /** Tokens that may still be emitted. */
  private get room(): number {
    const emitted = this.length - this.promptLength;
    return Math.min(this.options.maxTokens - emitted, this.tokens.length - this.length);
  }

  private view(): TokenView {
    return {
      tokens: this.tokens,
      length: this.length,
      maxDepth: this.room - 1,
      maxNodes: Math.min(this.budget, this.sequence.capacity - this.sequence.length - 1),
    };
  }

  /** Verifies, appends what is emitted, and commits the rows of all of it but the last token. */
  private verify(tree: DraftTree, result: ForwardResult, firstRow: number): readonly EmittedToken[] {
    const { verdict, sources, constrained, logprobs } = this;
    logprobs?.begin();
    // Each node on the path is asked for once, root side first.
    const logits = (node: number) => {
      const row = result.logits(firstRow + node + 1);
      logprobs?.read(row);
      constrained?.mask(node, row);
      return row;
    };
    if (this.ratio) verifyRatio(tree, logits, this.sampler, this.history, this.ratio, this.length, verdict);
    else verifyMatch(tree, logits, this.sampler, this.history, this.draws, this.length, verdict);
    const emitted: EmittedToken[] = [];
    for (const token of verdict.emitted) {
      const node = verdict.path[emitted.length];
      const source = node === undefined ? targetName : sources[tree.source[node]];
      emitted.push({ token, source, ...(logprobs && { logprobs: logprobs.of(emitted.length, token) }) });
      this.tokens[this.length++] = token;
      this.finishReason = this.reasonToStop(token);
      if (this.finishReason || this.surveys) break;
    }
    for (let i = emitted.length; i < verdict.emitted.length; i++) this.history.pop();
    verdict.emitted.length = emitted.length;
    verdict.path.length = Math.min(verdict.path.length, emitted.length);
    const rows = [0];
    for (let i = 0; i < emitted.length - 1; i++) rows.push(verdict.path[i] + 1);
    this.sequence.compact(rows);
    return emitted;
  }

  private reasonToStop(token: number): FinishReason | null {
    const isWhole = this.constrained?.push(token);
    if (this.options.stopTokens?.has(token)) return "stop";
    if (this.options.isStopText?.(token)) return "stop-string";
    if (isWhole) return "stop";
    if (this.length - this.promptLength >= this.options.maxTokens) return "length";
    return this.length >= this.tokens.length ? "context" : null;
  }

  private observe(tree: DraftTree, result: ForwardResult, firstRow: number): void {
    if (this.seats.length === 0) return;
    const round: RoundResult = {
      tokens: this.tokens,
      length: this.length,
      emitted: this.verdict.emitted,
      tree,
      path: this.verdict.path,
      argmax: (node) => argmax(result.logits(firstRow + node + 1)),
      hidden: (node, layer) => result.hidden(firstRow + node + 1, layer),
    };
    for (const { session } of this.seats) session.observe(round);
  }

  private countBySource(tree: DraftTree): Readonly<Record<string, number>> {
    if (tree === emptyTree) return nothingProposed;
    const counts: Record<string, number> = {};
    for (let i = 0; i < tree.source.length; i++) {
      if (tree.role?.[i] === Role.observed) continue;
      const name = this.sources[tree.source[i]];
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  private drafted() {
    if (!this.round) throw new DraftwrightError("bad-argument", "No round is drafted: call draft first.");
    return this.round;
  }

  private assertOpen(): void {
    if (this.closed) throw new DraftwrightError("disposed", "The generation is closed. Start another.");
  }
}
