// Trees of a fixed shape, grown once from what held-out texts accepted. Source: Medusa (Cai et al. 2024), section 2.3.3.

/** Nodes in buying order; each is a rank of its level's choices. */
export interface TreeShape {
  /** -1: the root. */
  readonly parent: Int32Array;
  readonly level: Int32Array;
  readonly rank: Int32Array;
  /** Share that takes this choice, given that its parent is taken. */
  readonly chance: Float64Array;
}

/**
 * The `nodes` nodes with the largest expected accepted length, if choices of different levels do not depend on each other:
 * a path is as likely as the product of its shares, and never likelier than its beginning, so taking the likeliest path
 * that is open again and again is optimal. `shares` [levels][ranks]; at most `branches` ranks and `levels` levels are used.
 */
export function growStaticTree(
  shares: readonly (readonly number[])[],
  { nodes, levels, branches }: { readonly nodes: number; readonly levels: number; readonly branches: number },
): TreeShape {
  const open: { parent: number; level: number; rank: number; path: number }[] = [];
  const taken: { parent: number; level: number; rank: number }[] = [];
  const follow = (parent: number, level: number, path: number) => {
    if (level >= Math.min(levels, shares.length)) return;
    for (const [rank, share] of shares[level].slice(0, branches).entries()) {
      if (share > 0) open.push({ parent, level, rank, path: path * share });
    }
  };
  follow(-1, 0, 1);
  while (taken.length < nodes && open.length > 0) {
    const best = open.reduce((b, { path }, i) => (path > open[b].path ? i : b), 0);
    const [node] = open.splice(best, 1);
    follow(taken.push(node) - 1, node.level + 1, node.path);
  }
  return {
    parent: Int32Array.from(taken, ({ parent }) => parent),
    level: Int32Array.from(taken, ({ level }) => level),
    rank: Int32Array.from(taken, ({ rank }) => rank),
    chance: Float64Array.from(taken, ({ level, rank }) => shares[level][rank]),
  };
}
