// What the rounds of this visit say about drafters: how deep their drafts hold, and whether their chances are true.
import type { Round } from "../api/generate.ts";
import { depthsOf } from "../rounds/tree.tsx";

type Point = readonly [x: number, y: number];

/** Nodes needed for a point to mean anything. */
const least = 3;

/**
 * Share of verified nodes that were accepted, by source and depth, of those whose parent was accepted: the position-wise
 * acceptance rate. Observed nodes do not count.
 */
export function acceptanceByDepth(rounds: readonly Round[]): Map<string, Point[]> {
  const counts = new Map<string, Map<number, [accepted: number, tried: number]>>();
  for (const round of rounds) {
    const depths = depthsOf(round.tree.parent);
    for (const node of triedNodes(round)) {
      const bySource = counts.get(round.tree.source[node]) ?? new Map();
      counts.set(round.tree.source[node], bySource);
      const cell = bySource.get(depths[node]) ?? [0, 0];
      bySource.set(depths[node], [cell[0] + Number(round.path.includes(node)), cell[1] + 1]);
    }
  }
  return new Map(
    [...counts]
      .map(([source, byDepth]) => {
        const points = [...byDepth]
          .filter(([, [, tried]]) => tried >= least)
          .sort(([a], [b]) => a - b)
          .map(([depth, [accepted, tried]]): Point => [depth, accepted / tried]);
        return [source, points] as const;
      })
      .filter(([, points]) => points.length > 0),
  );
}

/** Chance that drafters gave, in tenths, against the share that was accepted. */
export function calibration(rounds: readonly Round[]): Point[] {
  const bins = Array.from({ length: 10 }, () => ({ chance: 0, accepted: 0, tried: 0 }));
  for (const round of rounds) {
    for (const node of triedNodes(round)) {
      const chance = round.tree.chance[node];
      const bin = bins[Math.min(9, Math.floor(10 * chance))];
      bin.chance += chance;
      bin.accepted += Number(round.path.includes(node));
      bin.tried++;
    }
  }
  return bins
    .filter(({ tried }) => tried >= least)
    .map(({ chance, accepted, tried }): Point => [chance / tried, accepted / tried]);
}

/** Nodes whose outcome was decided: their parent was accepted. */
function triedNodes({ tree, path }: Round): number[] {
  const reached = new Set([-1, ...path]);
  const observed = new Set(tree.observed);
  return tree.parent.flatMap((parent, node) => (reached.has(parent) && !observed.has(node) ? [node] : []));
}
