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
  /**
   * For `ratio` verification, all draws of candidates in the order they were made, repeats of a token included; a node's
   * index follows its first draw. Absent = every candidate is a point mass.
   */
  readonly draws?: readonly Draw[];
}

/** One proposal of a node's token. */
export interface Draw {
  readonly node: number;
  /**
   * Weights [vocab] in proportion to which the token was drawn, given the draws before it: without replacement, those of
   * its drawn siblings are 0. Absent = a point mass.
   */
  readonly q?: Float32Array;
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
  /** Kept from the first sampled token on. */
  private draws: Draw[] | undefined;

  get size(): number {
    return this.token.length;
  }

  tokenOf(node: number): number {
    return this.token[node];
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
   * observed at once, it is proposed. `q`: the weights [vocab] it was drawn from, if it was; a repeat is one more draw.
   */
  add(
    parent: number,
    token: number,
    source: number,
    confidence: number,
    role: number = Role.candidate,
    q?: Float32Array,
  ): number {
    if (q) this.draws ??= pointMasses(this.role);
    const node = this.place(parent, token, source, confidence, role);
    if (role === Role.candidate) this.draws?.push({ node, q });
    return node;
  }

  /** Adds the nodes and draws of a tree. */
  merge(tree: DraftTree): void {
    if (tree.draws) this.draws ??= pointMasses(this.role);
    const index: number[] = [];
    for (let i = 0; i < tree.token.length; i++) {
      const parent = tree.parent[i] < 0 ? -1 : index[tree.parent[i]];
      index.push(this.place(parent, tree.token[i], tree.source[i], tree.confidence[i], tree.role?.[i]));
    }
    if (!this.draws) return;
    const draws = tree.draws ?? pointMasses(tree.role ?? new Uint8Array(tree.token.length));
    for (const { node, q } of draws) this.draws.push({ node: index[node], q });
  }

  build(): DraftTree {
    return {
      token: Int32Array.from(this.token),
      parent: Int32Array.from(this.parent),
      source: Uint8Array.from(this.source),
      confidence: Float32Array.from(this.confidence),
      ...(this.role.some((role) => role !== Role.candidate) && { role: Uint8Array.from(this.role) }),
      ...(this.draws && { draws: this.draws.slice() }),
    };
  }

  private place(
    parent: number,
    token: number,
    source: number,
    confidence: number,
    role: number = Role.candidate,
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
    return this.token.length - 1;
  }
}

function pointMasses(role: ArrayLike<number>): Draw[] {
  const draws: Draw[] = [];
  for (let node = 0; node < role.length; node++) if (role[node] === Role.candidate) draws.push({ node });
  return draws;
}

export const emptyTree: DraftTree = new TreeBuilder().build();

/** Throws "bad-argument" when a tree that `drafter` made breaks a rule of DraftTree. */
export function checkTree(tree: DraftTree, vocabSize: number, drafter: string): void {
  const size = tree.token.length;
  const refuse = (what: string): never => {
    throw new DraftwrightError("bad-argument", `Drafter "${drafter}" proposed a tree whose ${what}. Mend the drafter.`);
  };
  for (const column of [tree.parent, tree.source, tree.confidence, tree.role]) {
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
  for (const { node, q } of tree.draws ?? []) {
    if (!(node >= 0 && node < size)) refuse(`draws name node ${node}, outside 0..${size - 1}`);
    if (tree.role?.[node] === Role.observed) refuse(`draws name node ${node}, which is only observed`);
    if (!q) continue;
    if (q.length !== vocabSize) refuse(`node ${node} has a q of ${q.length} entries, not ${vocabSize}`);
    if (!(q[tree.token[node]] > 0)) refuse(`node ${node} holds a token of q ${q[tree.token[node]]}: not its own q`);
  }
  if (tree.draws) checkDrawOrder(tree, tree.draws, refuse);
}

/** Cuts keep the first nodes, so these must be the nodes drawn first. */
function checkDrawOrder(tree: DraftTree, draws: readonly Draw[], refuse: (what: string) => never): void {
  let drawn = 0;
  const next = () => {
    while (tree.role?.[drawn] === Role.observed) drawn++;
    return drawn;
  };
  for (const { node } of draws) {
    if (node > next()) refuse(`node ${node} is drawn before node ${drawn}`);
    if (node === drawn) drawn++;
  }
  if (next() < tree.token.length) refuse(`node ${drawn} has no draw, though others have`);
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

/**
 * At most `nodes` nodes of `tree`, none at `maxDepth` or deeper: the ones with the highest path chance. Where draws are
 * recorded, the ones drawn first, for a draw must not be dropped for its own value: drawing ends with the one that makes
 * the last node, or a repeat after it would be kept just because it is one.
 */
export function cutTree(tree: DraftTree, nodes: number, maxDepth = Number.POSITIVE_INFINITY): DraftTree {
  const depth = nodeDepths(tree.parent);
  const order = tree.draws ? Int32Array.from(depth.keys()) : buyingOrder(pathChances(tree.parent, tree.confidence));
  const kept = order
    .filter((node) => depth[node] < maxDepth)
    .slice(0, Math.max(0, nodes))
    .sort();
  if (kept.length === tree.token.length && !(tree.draws && kept.length === nodes)) return tree;
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
    ...(tree.draws && { draws: cutDraws(tree.draws, index, kept.length >= nodes) }),
  };
}

/** Draws of the kept nodes; `full`: up to the first one of the last node. */
function cutDraws(draws: readonly Draw[], index: ReadonlyMap<number, number>, full: boolean): Draw[] {
  const kept: Draw[] = [];
  const seen = new Set<number>();
  let last = 0;
  for (const { node: old, q } of draws) {
    const node = index.get(old);
    if (node === undefined) continue;
    kept.push({ node, q });
    if (seen.has(node)) continue;
    seen.add(node);
    last = kept.length;
  }
  return full ? kept.slice(0, last) : kept;
}

/** The tree for `match` verification, which asks for nobody's q: it may then be cut as one pleases. */
export function withoutDraws(tree: DraftTree): DraftTree {
  if (!tree.draws) return tree;
  const { draws: _, ...rest } = tree;
  return rest;
}

/**
 * One tree with the nodes of all: equal paths become one node, credited to the first tree that has it. Draws are judged
 * tree by tree.
 */
export function mergeTrees(trees: readonly DraftTree[]): DraftTree {
  if (trees.length === 1) return trees[0];
  const builder = new TreeBuilder();
  for (const tree of trees) builder.merge(tree);
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
