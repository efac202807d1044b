import { DraftwrightError } from "../errors.ts";
import { type DraftTree, Role } from "./tree.ts";

/** What may follow a text, such as a state of a grammar. Immutable: every path of a draft tree has its own. */
export interface Constraint {
  /** Nothing can follow: the text ends here. */
  readonly complete: boolean;
  /** Undefined where the token is forbidden. */
  advance(token: number): Constraint | undefined;
  /** Sets the logits [vocab] of forbidden tokens to -Infinity. */
  mask(logits: Float32Array): void;
}

/**
 * Follows a text, and the paths of its draft trees, through a constraint. The target's logits are masked after each node as
 * plain decoding would mask them there, so verification is as lossless as without.
 */
export class ConstrainedText {
  private state: Constraint;
  private tree: Pick<DraftTree, "token" | "parent"> = { token: new Int32Array(0), parent: new Int32Array(0) };
  /** Of each node; null where it is forbidden. */
  private nodes: (Constraint | null)[] = [];

  constructor(start: Constraint) {
    this.state = start;
  }

  /**
   * The tree without candidates that can never be accepted. Draws of a `ratio` verification stay: they must not be dropped
   * for their value, and their chance is 0.
   */
  prune(tree: DraftTree): DraftTree {
    this.begin(tree);
    if (tree.draws) return tree;
    const index = new Int32Array(tree.token.length).fill(-1);
    const kept: number[] = [];
    for (let node = 0; node < tree.token.length; node++) {
      const parent = tree.parent[node];
      const hangs = parent < 0 || index[parent] >= 0;
      if (!hangs || (tree.role?.[node] !== Role.observed && !this.at(node))) continue;
      index[node] = kept.length;
      kept.push(node);
    }
    if (kept.length === tree.token.length) return tree;
    const { role } = tree;
    return {
      token: Int32Array.from(kept, (node) => tree.token[node]),
      parent: Int32Array.from(kept, (node) => (tree.parent[node] < 0 ? -1 : index[tree.parent[node]])),
      source: Uint8Array.from(kept, (node) => tree.source[node]),
      confidence: Float32Array.from(kept, (node) => tree.confidence[node]),
      ...(role && { role: Uint8Array.from(kept, (node) => role[node]) }),
    };
  }

  /** The tree that is verified next. */
  begin(tree: Pick<DraftTree, "token" | "parent">): void {
    this.tree = tree;
    this.nodes = [];
  }

  /** Masks the logits after a node of that tree; -1 is the root. */
  mask(node: number, logits: Float32Array): void {
    this.at(node)?.mask(logits);
  }

  /** The text goes on with this token. True when nothing can follow it. Throws "internal" for a forbidden one. */
  push(token: number): boolean {
    const next = this.state.advance(token);
    if (!next) throw new DraftwrightError("internal", `Token ${token} was emitted although it is forbidden.`);
    this.state = next;
    return next.complete;
  }

  private at(node: number): Constraint | null {
    if (node < 0) return this.state;
    this.nodes[node] ??= this.at(this.tree.parent[node])?.advance(this.tree.token[node]) ?? null;
    return this.nodes[node];
  }
}
