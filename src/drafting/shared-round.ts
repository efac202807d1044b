import type { ForwardBatch, ForwardResult, LanguageModel } from "../lm/model.ts";
import { type CostCurve, MeasuredCurve } from "./cost-curve.ts";
import type { Generation } from "./generation.ts";
import { joinBatches } from "./join-batches.ts";
import type { Prices } from "./prices.ts";
import type { RoundReport } from "./round-report.ts";
import { shareBudget } from "./share-budget.ts";

/** What became of one text's round; an error is its own and no other's. */
export type RoundOutcome = { readonly report: RoundReport } | { readonly error: unknown };

export interface SharedRoundOptions {
  readonly model: LanguageModel;
  /** Of forwards of several texts: their attention costs more than one text's of the same width. */
  readonly curve: CostCurve;
  readonly clock: () => number;
}

/** Rows of one forward, so that its logits stay small; a text with more has a forward of its own. */
const mostRows = 256;

interface Prepared {
  readonly index: number;
  readonly generation: Generation;
  readonly batch: ForwardBatch;
}

/**
 * One round of several texts of one model: each drafts, the budget is shared by what nodes are expected to give, one forward
 * for each adapter verifies all. A text emits what it would emit alone, in `exact` numerics to the last bit.
 */
export function sharedRound(generations: readonly Generation[], options: SharedRoundOptions): RoundOutcome[] {
  const outcomes = new Array<RoundOutcome>(generations.length);
  if (generations.length === 1) {
    outcomes[0] = attempt(() => ({ report: generations[0].step() }));
    return outcomes;
  }
  const prices = sharedPrices(generations, options.curve);
  const drafted = generations.flatMap((generation, index) => {
    const outcome = attempt(() => ({ generation, index, round: generation.draft(prices) }));
    if (!("error" in outcome)) return [outcome];
    outcomes[index] = outcome;
    return [];
  });
  const nodes = shareBudget(
    drafted.map(({ round }) => round),
    options.curve,
    prices.kv,
  );
  const prepared = drafted.flatMap(({ generation, index }, i): Prepared[] => {
    const outcome = attempt(() => ({ batch: generation.prepare(nodes[i]) }));
    if ("batch" in outcome) return [{ generation, index, batch: outcome.batch }];
    outcomes[index] = outcome;
    return [];
  });
  for (const group of groupsOf(prepared)) verifyTogether(group, options, prices, outcomes);
  return outcomes;
}

/** A grid for shared forwards, until they have been measured: what one text's forwards of the same width cost. */
export function sharedCurve(solo: CostCurve): CostCurve {
  const widths = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];
  const kv = [0, 256, 1024];
  const known = solo.ms(1, 0) > 0;
  const ms = (width: number, rows: number) => (known ? solo.ms(width, rows) : 1 + 0.3 * (width - 1));
  return new MeasuredCurve({ widths, kv, ms: widths.map((width) => kv.map((rows) => ms(width, rows))) }, !known);
}

function sharedPrices(generations: readonly Generation[], curve: CostCurve): Prices {
  const count = generations.length;
  const kv = Math.round(generations.reduce((sum, { rows }) => sum + rows, 0) / count);
  return {
    plainMs: curve.ms(count, kv) / count,
    otherTokens: count - 1,
    rows: count,
    kv,
    roundMs: (nodes, optimistic) => curve.ms(count + nodes, kv, optimistic),
  };
}

/** Forwards of at most so many rows, all of one adapter. */
function groupsOf(prepared: readonly Prepared[]): Prepared[][] {
  const groups: Prepared[][] = [];
  const open = new Map<string, { group: Prepared[]; rows: number }>();
  for (const one of prepared) {
    const { adapter, token } = one.batch;
    const key = adapter === undefined ? "" : JSON.stringify(adapter);
    let last = open.get(key);
    if (!last || last.rows + token.length > mostRows) {
      last = { group: [], rows: 0 };
      open.set(key, last);
      groups.push(last.group);
    }
    last.rows += token.length;
    last.group.push(one);
  }
  return groups;
}

function verifyTogether(
  group: readonly Prepared[],
  { model, curve, clock }: SharedRoundOptions,
  prices: Prices,
  outcomes: RoundOutcome[],
): void {
  const joined = joinBatches(group.map((one) => one.batch));
  const width = joined.token.length;
  const plainMs = curve.ms(group.length, prices.kv);
  const start = clock();
  let result: ForwardResult;
  try {
    result = model.forward(joined);
  } catch (error) {
    if (group.length === 1) {
      outcomes[group[0].index] = { error };
      return;
    }
    // Nobody else pays for a text that cannot be computed: each by itself.
    for (const { generation } of group) generation.dropPending();
    for (const one of group) verifyTogether([one], { model, curve, clock }, prices, outcomes);
    return;
  }
  const ms = clock() - start;
  curve.observe(width, prices.kv, ms);
  const nodes = width - group.length;
  const extraMs = nodes > 0 && plainMs > 0 ? Math.max(0, ms - plainMs) : 0;
  let row = 0;
  for (const { generation, index, batch } of group) {
    const first = row;
    const rows = batch.token.length;
    // Everybody pays for a plain round, and who drafted for what it takes longer.
    const verifyMs = (ms - extraMs) / group.length + (nodes > 0 ? (extraMs * (rows - 1)) / nodes : 0);
    outcomes[index] = attempt(() => ({ report: generation.finish(result, first, verifyMs) }));
    row += rows;
  }
}

function attempt<T extends object>(work: () => T): T | { readonly error: unknown } {
  try {
    return work();
  } catch (error) {
    return { error };
  }
}
