// A small regression tree (CART, Breiman et al. 1984): splits that lower the squared error most, to a fixed depth.

export interface TreeNode {
  /** Mean target and rows of the node. */
  readonly value: number;
  readonly count: number;
  /** Rows with feature <= threshold go to `below`. */
  readonly split?: {
    readonly feature: number;
    readonly threshold: number;
    readonly below: TreeNode;
    readonly above: TreeNode;
  };
}

export interface TreeOptions {
  readonly depth: number;
  /** Fewest rows of a leaf. */
  readonly leaf: number;
}

export function growTree(
  rows: readonly ArrayLike<number>[],
  targets: ArrayLike<number>,
  options: TreeOptions,
): TreeNode {
  const all = Array.from(rows, (_, i) => i);
  return grow(rows, targets, all, options.depth, options.leaf);
}

function grow(
  rows: readonly ArrayLike<number>[],
  targets: ArrayLike<number>,
  members: number[],
  depth: number,
  leaf: number,
): TreeNode {
  let sum = 0;
  for (const i of members) sum += targets[i];
  const node = { value: sum / members.length, count: members.length };
  if (depth === 0 || members.length < 2 * leaf) return node;
  let best = { gain: 1e-9 * members.length, feature: -1, threshold: 0 };
  for (let feature = 0; feature < rows[0].length; feature++) {
    const sorted = [...members].sort((a, b) => rows[a][feature] - rows[b][feature]);
    let left = 0;
    for (let i = 1; i < sorted.length; i++) {
      left += targets[sorted[i - 1]];
      const low = rows[sorted[i - 1]][feature];
      const high = rows[sorted[i]][feature];
      if (low === high || i < leaf || sorted.length - i < leaf) continue;
      const right = sum - left;
      const gain = left ** 2 / i + right ** 2 / (sorted.length - i) - sum ** 2 / sorted.length;
      if (gain > best.gain) best = { gain, feature, threshold: (low + high) / 2 };
    }
  }
  if (best.feature < 0) return node;
  const { feature, threshold } = best;
  const part = (keep: (x: number) => boolean) =>
    grow(
      rows,
      targets,
      members.filter((i) => keep(rows[i][feature])),
      depth - 1,
      leaf,
    );
  return {
    ...node,
    split: { feature, threshold, below: part((x) => x <= threshold), above: part((x) => x > threshold) },
  };
}

export function predict(tree: TreeNode, row: ArrayLike<number>): number {
  let node = tree;
  while (node.split) node = row[node.split.feature] <= node.split.threshold ? node.split.below : node.split.above;
  return node.value;
}

export interface Leaf {
  readonly conditions: readonly { readonly feature: number; readonly above: boolean; readonly threshold: number }[];
  readonly value: number;
  readonly count: number;
}

/** Leaves with the way to them, highest value first. */
export function leaves(tree: TreeNode): Leaf[] {
  const found: Leaf[] = [];
  const walk = ({ value, count, split }: TreeNode, conditions: Leaf["conditions"]) => {
    if (!split) {
      found.push({ conditions, value, count });
      return;
    }
    const { feature, threshold } = split;
    walk(split.below, [...conditions, { feature, above: false, threshold }]);
    walk(split.above, [...conditions, { feature, above: true, threshold }]);
  };
  walk(tree, []);
  return found.sort((a, b) => b.value - a.value);
}
