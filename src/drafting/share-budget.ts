import { best } from "./budget.ts";
import type { CostCurve } from "./cost-curve.ts";
import type { DraftedRound } from "./generation.ts";
import { buyingOrder, pathChances } from "./tree.ts";

interface Candidate {
  readonly text: number;
  readonly chance: number;
}

/** Nodes of all texts together in one round, at most. */
const mostNodes = 64;

/**
 * How many nodes of each draft are verified in one forward of all: nodes are taken in the order of their chance, whosesoever
 * they are, as long as the whole forward gives more tokens per millisecond with them. Drafts that are not `uncut` are there
 * anyway. `kv`: mean committed rows.
 */
export function shareBudget(rounds: readonly DraftedRound[], curve: CostCurve, kv: number): number[] {
  let rows = rounds.length;
  let tokens = 0;
  let spentMs = 0;
  let explores = true;
  const candidates: Candidate[] = [];
  rounds.forEach(({ tree, uncut, maxNodes, forecast }, text) => {
    if (!uncut) {
      rows += tree.token.length;
      tokens += forecast.tokens;
      return;
    }
    tokens++;
    spentMs += uncut.spentMs;
    explores &&= uncut.explores;
    const path = pathChances(tree.parent, tree.confidence);
    for (const node of buyingOrder(path).subarray(0, maxNodes)) candidates.push({ text, chance: path[node] });
  });
  const nodes = rounds.map(({ tree, uncut }) => (uncut ? 0 : tree.token.length));
  if (candidates.length === 0) return nodes;
  // A stable sort: of one text, a parent stays before its children.
  candidates.sort((a, b) => b.chance - a.chance);
  const gained = [tokens];
  for (const { chance } of candidates.slice(0, mostNodes)) gained.push(gained[gained.length - 1] + chance);
  const bought = best(gained, (count) => curve.ms(rows + count, kv, explores) + spentMs).nodes;
  for (const { text } of candidates.slice(0, bought)) nodes[text]++;
  return nodes;
}
