import { DraftwrightError } from "../errors.ts";

/**
 * Proposed tokens with parent links, structure of arrays, one entry a node. Parents precede children; the tokens of
 * siblings are distinct. A chain is a tree with one leaf.
 */
export interface DraftTree {
  readonly token: Int32Array;
  /** Node index of the parent; -1 = the root, the last committed token. */
  readonly parent: Int32Array;
  /** Which drafter proposed the node: index into `Generation.sources`. */
  readonly source: Uint8Array;
  /** Calibrated chance that the node is accepted, given that its parent was. */
  readonly confidence: Float32Array;
  /** `Role` of each node; absent = all candidates. */
  readonly role?: Uint8Array;
  /** Distribution each token was drawn from, [vocab] each, for `ratio` verification; absent = point masses. */
  readonly q?: readonly Float32Array[];
}

/** Observed nodes are evaluated by the target, and their drafter sees the outcome, but they are never accepted. */
export const Role = { candidate: 0, observed: 1 } as const;

/** Collects nodes; a token that a sibling already holds is merged into that sibling. */
export class TreeBuilder {
  private readonly token: number[] = [];
  private readonly parent: number[] = [];
  private readonly source: number[] = [];
  private readonly confidence: number[] = [];
  private readonly role: number[] = [];
  private readonly q: (Float32Array | undefined)[] = [];

  get size(): number {
    return this.token.length;
  }

  /** Node index of the child of `parent` that holds `token`, or -1. */
  find(parent: number, token: number): number {
    for (let i = parent + 1; i < this.token.length; i++) {
      if (this.parent[i] === parent && this.token[i] === token) return i;
    }
    return -1;
  }

  /**
   * Adds a node and returns its index. A merged node keeps its first source and the higher confidence; proposed and
   * observed at once, it is proposed.
   */
  add(
    parent: number,
    token: number,
    source: number,
    confidence: number,
    role: number = Role.candidate,
    q?: Float32Array,
  ): number {
    const twin = this.find(parent, token);
    if (twin >= 0) {
      this.confidence[twin] = Math.max(this.confidence[twin], confidence);
      this.role[twin] = Math.min(this.role[twin], role);
      return twin;
    }
    this.token.push(token);
    this.parent.push(parent);
    this.source.push(source);
    this.confidence.push(confidence);
    this.role.push(role);
    this.q.push(q);
    return this.token.length - 1;
  }

  build(): DraftTree {
    return {
      token: Int32Array.from(this.token),
      parent: Int32Array.from(this.parent),
      source: Uint8Array.from(this.source),
      confidence: Float32Array.from(this.confidence),
      ...(this.role.some((role) => role !== Role.candidate) && { role: Uint8Array.from(this.role) }),
      ...(this.q.length > 0 && this.q.every((q) => q !== undefined) && { q: this.q }),
    };
  }
}

export const emptyTree: DraftTree = new TreeBuilder().build();

/** Throws "bad-argument" when a tree that `drafter` made breaks a rule of DraftTree. */
export function checkTree(tree: DraftTree, vocabSize: number, drafter: string): void {
  const size = tree.token.length;
  const refuse = (what: string): never => {
    throw new DraftwrightError("bad-argument", `Drafter "${drafter}" proposed a tree whose ${what}. Mend the drafter.`);
  };
  for (const column of [tree.parent, tree.source, tree.confidence, tree.role, tree.q]) {
    if (column && column.length !== size) refuse(`arrays differ in length (${column.length} and ${size})`);
  }
  for (let i = 0; i < size; i++) {
    const token = tree.token[i];
    const parent = tree.parent[i];
    const confidence = tree.confidence[i];
    if (token < 0 || token >= vocabSize) refuse(`node ${i} holds token ${token}, outside 0..${vocabSize - 1}`);
    if (parent < -1 || parent >= i) refuse(`node ${i} has parent ${parent}, which does not precede it`);
    if (!(confidence >= 0 && confidence <= 1)) refuse(`node ${i} has confidence ${confidence}, outside 0..1`);
    for (let j = parent + 1; j < i; j++) {
      if (tree.parent[j] === parent && tree.token[j] === token) refuse(`nodes ${j} and ${i} are equal siblings`);
    }
  }
}

/** Depth of every node, children of the root at 0. */
export function nodeDepths(parent: Int32Array): Int32Array {
  const depth = new Int32Array(parent.length);
  for (let i = 0; i < depth.length; i++) depth[i] = parent[i] < 0 ? 0 : depth[parent[i]] + 1;
  return depth;
}

/** Chance that every node on the path to each node is accepted: products of `chance` along the path. */
export function pathChances(parent: Int32Array, chance: ArrayLike<number>): Float64Array {
  const path = new Float64Array(parent.length);
  for (let i = 0; i < path.length; i++) path[i] = chance[i] * (parent[i] < 0 ? 1 : path[parent[i]]);
  return path;
}

/** Nodes in the order worth buying: by path chance, ties by index, so that a parent always comes before its children. */
export function buyingOrder(path: Float64Array): Int32Array {
  const order = new Int32Array(path.length);
  for (let i = 0; i < path.length; i++) order[i] = i;
  // Chains and well-ordered trees are sorted already, and that is the common case.
  for (let i = 1; i < path.length; i++) {
    if (path[i] > path[i - 1]) return order.sort((a, b) => path[b] - path[a] || a - b);
  }
  return order;
}

/** The `nodes` nodes of `tree` with the highest path chance, none at `maxDepth` or deeper. */
export function cutTree(tree: DraftTree, nodes: number, maxDepth = Number.POSITIVE_INFINITY): DraftTree {
  const depth = nodeDepths(tree.parent);
  const kept = buyingOrder(pathChances(tree.parent, tree.confidence))
    .filter((node) => depth[node] < maxDepth)
    .slice(0, Math.max(0, nodes))
    .sort();
  if (kept.length === tree.token.length) return tree;
  const index = new Map<number, number>();
  kept.forEach((node, i) => {
    index.set(node, i);
  });
  return {
    token: kept.map((node) => tree.token[node]),
    parent: kept.map((node) => index.get(tree.parent[node]) ?? -1),
    source: Uint8Array.from(kept, (node) => tree.source[node]),
    confidence: Float32Array.from(kept, (node) => tree.confidence[node]),
    ...(tree.role && { role: Uint8Array.from(kept, (node) => (tree.role as Uint8Array)[node]) }),
    ...(tree.q && { q: Array.from(kept, (node) => (tree.q as Float32Array[])[node]) }),
  };
}

/** One tree with the nodes of all: equal paths become one node, credited to the first tree that has it. */
export function mergeTrees(trees: readonly DraftTree[]): DraftTree {
  if (trees.length === 1) return trees[0];
  const builder = new TreeBuilder();
  for (const tree of trees) {
    const index: number[] = [];
    for (let i = 0; i < tree.token.length; i++) {
      const parent = tree.parent[i] < 0 ? -1 : index[tree.parent[i]];
      index.push(builder.add(parent, tree.token[i], tree.source[i], tree.confidence[i], tree.role?.[i], tree.q?.[i]));
    }
  }
  return builder.build();
}

/**
 * The target says one token: where the confidences of siblings sum to more than 1, they are scaled to sum to 1. Observed
 * nodes are not among them: theirs is what they are worth.
 */
export function exclusiveSiblings(tree: DraftTree): DraftTree {
  const { parent, role } = tree;
  const observed = (node: number) => role?.[node] === Role.observed;
  const sums = new Float64Array(tree.token.length + 1);
  tree.confidence.forEach((confidence, node) => {
    if (!observed(node)) sums[parent[node] + 1] += confidence;
  });
  if (sums.every((sum) => sum <= 1)) return tree;
  const scale = (node: number) => (observed(node) ? 1 : Math.max(1, sums[parent[node] + 1]));
  return { ...tree, confidence: tree.confidence.map((confidence, node) => confidence / scale(node)) };
}

/**
 * Compares a tree with the tokens that were emitted: visits the children of every node on the emitted path, with the
 * verdict. Drafters learn their acceptance from it, also from trees (or parts of trees) that nobody bought.
 */
export function judge(
  tree: Pick<DraftTree, "token" | "parent">,
  emitted: ArrayLike<number>,
  visit: (node: number, depth: number, accepted: boolean) => void,
): void {
  let current = -1;
  for (let depth = 0; depth < emitted.length; depth++) {
    let next = -1;
    for (let node = current + 1; node < tree.token.length; node++) {
      if (tree.parent[node] !== current) continue;
      const accepted = tree.token[node] === emitted[depth];
      visit(node, depth, accepted);
      if (accepted) next = node;
    }
    if (next < 0) return;
    current = next;
  }
}
