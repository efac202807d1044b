// EAGLE-2's dynamic tree (Li et al. 2024), over blocks of k positions as Falcon's (Gao et al. 2025): which blocks a head is run
// for. Within a block the choices of a position do not depend on those before it.
import type { RunResult, RunRows } from "./runner.ts";

/** A token at a position. */
export interface Choice {
  readonly token: number;
  /** Chance that it is accepted if all before it are. */
  readonly chance: number;
  /** Bucket of the head's own probability. */
  readonly confidence: number;
}

/** What one pass says of k positions. */
export interface Block {
  /** Of each position, likeliest first. */
  readonly choices: readonly (readonly Choice[])[];
  /** Estimated features, the inputs of the next block. */
  readonly outputs: readonly Float32Array[];
  /** Slots of the blocks on the way to it. */
  readonly seen: readonly number[];
  /** Blocks that go on from an end, by the ranks of its tokens. */
  readonly next: Map<string, Block>;
}

/** One choice for each position of a block. */
interface End {
  readonly block: Block;
  readonly key: string;
  readonly tokens: readonly number[];
  /** Chance that it and all before it are accepted. */
  readonly path: number;
}

export interface GrowOptions {
  /** Positions of a block, k. */
  readonly block: number;
  /** Levels of the tree. */
  readonly levels: number;
  /** Nodes that will be taken, those with the highest path chance. */
  readonly nodes: number;
  /** Paths with a lower chance do not go on. */
  readonly floor: number;
  /** Ends that go on after each pass. */
  readonly beam: number;
  /** Slots of the head's cache that are in use, and the position of the last of them. */
  readonly committed: number;
  readonly position: number;
  candidates(logits: Float32Array): readonly Choice[];
  run(rows: RunRows): RunResult;
}

/** Goes on from the likeliest ends, pass by pass; `first` has the rows of the newest block. `runs`: passes made. */
export function growBlocks(first: RunResult, options: GrowOptions): { readonly root: Block; readonly runs: number } {
  const { block: k, levels, nodes, floor, beam, committed, position } = options;
  const read = (from: RunResult, row: number, seen: readonly number[]): Block => ({
    choices: Array.from({ length: k }, (_, j) => options.candidates(from.logits(row + j, 0))),
    outputs: Array.from({ length: k }, (_, j) => from.output(row + j).slice()),
    seen,
    next: new Map(),
  });
  const paths: number[] = [];
  const ends = (block: Block, path: number): End[] => {
    let list: End[] = [{ block, key: "", tokens: [], path }];
    for (const choices of block.choices) {
      list = list.flatMap((end) =>
        choices.map(({ token, chance }, rank) => {
          paths.push(end.path * chance);
          return { block, key: `${end.key}${rank},`, tokens: [...end.tokens, token], path: end.path * chance };
        }),
      );
    }
    return list;
  };
  const root = read(first, 0, []);
  let frontier = ends(root, 1);
  let [runs, slot] = [0, committed];
  for (let depth = k; depth < levels; depth += k) {
    // A path that none of the nodes will be taken from pays for no run.
    const kept = paths.sort((a, b) => b - a)[nodes - 1] ?? 0;
    const best = frontier.sort((a, b) => b.path - a.path).slice(0, beam);
    const going = best.filter(({ path }) => path > Math.max(kept, floor));
    if (going.length === 0) break;
    const slots = going.map((_, i) => Array.from({ length: k }, (_, j) => slot + i * k + j));
    slot += going.length * k;
    const out = options.run({
      features: going.flatMap(({ block }) => block.outputs),
      tokens: going.flatMap(({ tokens }) => tokens),
      positions: going.flatMap(({ tokens }) => tokens.map((_, j) => position + depth - k + 1 + j)),
      slots: slots.flat(),
      committed,
      sees: going.flatMap(({ block, tokens }, i) => tokens.map(() => [...block.seen, ...slots[i]])),
      after: going.map(({ block }) => block.seen[block.seen.length - 1] ?? committed - 1),
      newest: slots.flat().map((_, i) => i - (i % k) + k - 1),
      wanted: slots.flat().map((_, i) => i),
    });
    runs++;
    frontier = going.flatMap(({ block, key, path }, i) => {
      const next = read(out, i * k, [...block.seen, ...slots[i]]);
      block.next.set(key, next);
      return ends(next, path);
    });
  }
  return { root, runs };
}
