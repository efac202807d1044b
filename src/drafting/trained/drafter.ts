// Trained heads as drafters: what the target's rows said feeds the head, the head's likeliest tokens become a tree.

import { DraftwrightError } from "../../errors.ts";
import type { Backend } from "../../ggml/index.ts";
import type { AcceptanceTable } from "../calibration.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../drafter.ts";
import { likeliest } from "../drafters/likeliest.ts";
import { type DraftTree, emptyTree, judge, TreeBuilder } from "../tree.ts";
import { type Block, type Choice, growBlocks } from "./grow.ts";
import { blockEnd, blockSize, feedsItself, type Head, type HeadSettings } from "./head.ts";
import { HeadRunner, MOST_ROWS, type RunResult } from "./runner.ts";
import { RunnerPool } from "./runner-pool.ts";
import { growStaticTree, type TreeShape } from "./static-tree.ts";
import { featureOf, type TargetParts } from "./target-parts.ts";

export interface HeadDrafterOptions {
  readonly backend: Backend;
  readonly head: Head;
  readonly target: TargetParts;
  /** Tokens drafted after each node; default 3. */
  readonly branches?: number;
  /** Levels of an EAGLE tree, and nodes that go on at each; default 6 and 3. */
  readonly depth?: number;
  readonly beam?: number;
  /**
   * dynamic (default): by what the head is sure of this time. static: of the shape that held-out texts had accepted most of,
   * with the choices of this time. EAGLE and Falcon grow dynamic ones only.
   */
  readonly tree?: "dynamic" | "static";
  readonly clock?: () => number;
  /** False: features count as zeros, for targets without hidden states. Default true. */
  readonly features?: boolean;
}

/** Buckets of the acceptance table: by rank before anything is drafted, by confidence once it is. */
const ranks = 4;
const rankPriors = [0.6, 0.12, 0.05, 0.03];
const confidences = 10;

/** What the sessions of a drafter share. */
interface Shared {
  readonly runners: RunnerPool;
  /** Milliseconds of a run of few rows. */
  runMs: number;
  /** Runs so far. */
  passes: number;
}

/** `passes`: runs of the head so far, for comparisons at equal ones. */
export type HeadDrafter = Drafter & Disposable & { readonly passes: number };

/**
 * Drafts with a head. Its output is what the head says; what is emitted is decided by the target alone. Owns caches: dispose it
 * after its sessions are closed.
 */
export function headDrafter(options: HeadDrafterOptions): HeadDrafter {
  const { backend, head, target, features = true } = options;
  if (options.tree === "static" && !head.settings.rankShares) {
    throw new DraftwrightError(
      "bad-argument",
      feedsItself(head.settings)
        ? `${head.settings.kind} grows its trees by confidence; static ones are for amphista and medusa`
        : "This head's file has no counts for a static tree: run `draftwright drafter calibrate`, or use a dynamic one.",
    );
  }
  const runners = new RunnerPool((capacity) => new HeadRunner(backend, head, target, capacity));
  const shared: Shared = { runners, runMs: 0.3, passes: 0 };
  return {
    name: head.settings.kind,
    get passes() {
      return shared.passes;
    },
    needs: features ? { hidden: [target.layerCount] } : {},
    open(view) {
      if (view.vocabSize !== target.vocabSize) {
        throw new DraftwrightError(
          "vocabulary-mismatch",
          `The head drafts ${target.vocabSize} tokens, the target has ${view.vocabSize}. Train a head for this target.`,
        );
      }
      return new HeadSession(options, view, shared);
    },
    [Symbol.dispose]: () => runners[Symbol.dispose](),
  };
}

/** A position of the text whose feature is known. */
interface Known {
  readonly feature: Float32Array;
  /** The token after it. */
  readonly token: number;
  readonly position: number;
}

class HeadSession implements DraftSession {
  readonly #head: Head;
  readonly #target: TargetParts;
  readonly #view: SequenceView;
  readonly #acceptance: AcceptanceTable;
  readonly #branches: number;
  /** Of a static tree: see `HeadSettings.rankShares`. */
  readonly #shares: HeadSettings["rankShares"];
  readonly #levels: number;
  readonly #beam: number;
  /** Positions whose rows see each other. */
  readonly #block: number;
  readonly #features: boolean;
  readonly #clock: () => number;
  readonly #shared: Shared;
  readonly #runner: HeadRunner;
  #context: TokenView | null = null;
  /** Not in the head's cache yet. */
  #waiting: Known[] = [];
  /** The last rows in the cache, which the next block may begin with: one less than a block. */
  #tail: readonly Known[] = [];
  /** Rows in the head's cache. */
  #held = 0;
  #position = 0;
  #shape: TreeShape | undefined;
  #drafted: DraftTree = emptyTree;
  #rank: number[] = [];
  #confidence: number[] = [];

  constructor(options: HeadDrafterOptions, view: SequenceView, shared: Shared) {
    this.#head = options.head;
    this.#target = options.target;
    this.#view = view;
    this.#acceptance = view.acceptance;
    const { heads, rankShares } = options.head.settings;
    this.#shares = options.tree === "static" ? rankShares : undefined;
    const most = this.#shares ? this.#shares[0].length : ranks;
    const branches = options.branches ?? (this.#shares ? most : 3);
    this.#branches = Math.min(branches, most, options.target.output.shape[1]);
    this.#block = blockSize(options.head.settings);
    this.#levels = this.#grows ? (options.depth ?? 6) : heads;
    this.#beam = options.beam ?? 3;
    this.#features = options.features ?? true;
    this.#clock = options.clock ?? (() => performance.now());
    this.#shared = shared;
    const room = view.contextLength + (this.#grows ? (this.#levels + this.#block) * this.#beam : 0);
    this.#runner = shared.runners.take(room);
  }

  prefilled(tokens: Int32Array, first: number, rows: number, hidden: (row: number, layer: number) => Float32Array) {
    for (let row = first; row < first + rows; row++)
      this.#know(hidden(row, this.#target.layerCount), tokens[row + 1], row);
  }

  get #grows(): boolean {
    return feedsItself(this.#head.settings);
  }

  #know(hidden: Float32Array | undefined, token: number, position: number): void {
    const feature = hidden ? featureOf(hidden, this.#target) : new Float32Array(this.#target.hiddenSize);
    // A head without layers remembers nothing: only the last position counts.
    if (this.#head.layers === 0) this.#waiting = [];
    this.#waiting.push({ feature, token, position });
  }

  bid(context: TokenView): readonly Bid[] {
    this.#context = context;
    if (this.#waiting.length === 0 || this.#held + this.#waiting.length < this.#block) return [];
    const levels = Math.min(this.#levels, context.maxDepth);
    const { runMs } = this.#shared;
    const onceMs = runMs * Math.floor(this.#waiting.length / MOST_ROWS);
    if (this.#shares) {
      this.#shape = growStaticTree(this.#shares, { nodes: context.maxNodes, levels, branches: this.#branches });
      return [{ ...this.#shape, draftMs: (nodes) => (nodes === 0 ? 0 : runMs), onceMs }];
    }
    const size = Math.min(levels * this.#branches, context.maxNodes);
    const parent = new Int32Array(size);
    const chance = new Float64Array(size);
    let left = 1;
    for (let i = 0; i < size; i++) {
      const [level, rank] = [Math.floor(i / this.#branches), i % this.#branches];
      if (rank === 0) left = 1;
      parent[i] = level === 0 ? -1 : (level - 1) * this.#branches;
      chance[i] = Math.min(left, this.#acceptance.chance(rank, level, rankPriors[rank]));
      left -= chance[i];
    }
    const passes = (nodes: number) => Math.ceil(Math.min(levels, 1 + nodes / this.#branches) / this.#block);
    const runs = (nodes: number) => (this.#grows ? passes(nodes) : 1);
    return [{ parent, chance, draftMs: (nodes) => (nodes === 0 ? 0 : runMs * runs(nodes)), onceMs }];
  }

  expand(_: Bid, nodes: number, floor: number): DraftTree {
    const context = this.#context as TokenView;
    const start = this.#clock();
    const feeds = Math.ceil(this.#waiting.length / MOST_ROWS);
    const result = this.#feed();
    const levels = Math.min(this.#levels, context.maxDepth);
    const { tree, runs } = this.#grows
      ? this.#grow(result, nodes, levels, floor)
      : { tree: this.#shape ? this.#fill(this.#shape, result, nodes) : this.#combine(result, nodes, levels), runs: 0 };
    this.#drafted = tree;
    const ms = (this.#clock() - start) / (feeds + runs);
    this.#shared.passes += feeds + runs;
    this.#shared.runMs = 0.9 * this.#shared.runMs + 0.1 * ms;
    return tree;
  }

  /** Runs what waits; the result is that of the last block. Its rows see each other, so those fed before are run again. */
  #feed(): RunResult {
    const k = this.#block;
    let result: RunResult | undefined;
    while (this.#waiting.length > 0) {
      const whole = this.#head.settings.align === "chunk";
      const tail = whole && this.#waiting.length >= k ? [] : this.#tail;
      const fresh = this.#waiting.splice(0, MOST_ROWS - tail.length);
      const part = [...tail, ...fresh];
      const committed = this.#held - tail.length;
      const slots = part.map((_, i) => committed + i);
      const first = Math.max(0, part.length - k);
      const ends = slots.map((_, i) => blockEnd(i, part.length, k, whole ? 0 : undefined));
      result = this.#runner.run({
        features: part.map(({ feature }) => feature),
        tokens: part.map(({ token }) => token),
        positions: part.map(({ position }) => position),
        slots,
        committed,
        sees: ends.map((end) => slots.slice(0, end)),
        newest: ends.map((end) => end - 1),
        wanted: Array.from({ length: part.length - first }, (_, i) => first + i),
      });
      this.#held += fresh.length;
      this.#tail = k === 1 ? [] : part.slice(1 - k);
      this.#position = part[part.length - 1].position;
    }
    return result as RunResult;
  }

  /** A static tree with the choices of this time. */
  #fill({ parent, level, rank, chance }: TreeShape, result: RunResult, nodes: number): DraftTree {
    const names = this.#target.draftTokens;
    const choices = Array.from(
      { length: this.#levels },
      (_, at) => likeliest(result.logits(0, at), this.#branches).tokens,
    );
    const builder = new TreeBuilder();
    for (let i = 0; i < Math.min(nodes, parent.length); i++) {
      const token = choices[level[i]][rank[i]];
      builder.add(parent[i], names ? names[token] : token, this.#view.source, chance[i]);
    }
    return builder.build();
  }

  /** Heads of several positions: every path of ranks, likeliest first. */
  #combine(result: RunResult, nodes: number, levels: number): DraftTree {
    const options = Array.from({ length: levels }, (_, level) => this.#candidates(result.logits(0, level)));
    const open: Candidate[] = [];
    const push = (parent: number, level: number, path: number) => {
      for (const [rank, c] of (options[level] ?? []).entries()) {
        open.push({ ...c, parent, level, rank, path: path * c.chance });
      }
    };
    push(-1, 0, 1);
    return this.#take(nodes, open, (node, c) => push(node, c.level + 1, c.path));
  }

  /** Heads that feed themselves: see `growBlocks`. */
  #grow(result: RunResult, nodes: number, levels: number, floor: number): { tree: DraftTree; runs: number } {
    const k = this.#block;
    const { root, runs } = growBlocks(result, {
      block: k,
      levels,
      nodes,
      floor,
      beam: this.#beam,
      committed: this.#held,
      position: this.#position,
      candidates: (logits) => this.#candidates(logits),
      run: (rows) => this.#runner.run(rows),
    });
    const open: (Candidate & { block: Block; key: string })[] = [];
    const push = (parent: number, block: Block | undefined, key: string, level: number, path: number) => {
      if (!block || level >= levels) return;
      for (const [rank, c] of block.choices[level % k].entries()) {
        open.push({ ...c, parent, level, rank, path: path * c.chance, block, key: `${key}${rank},` });
      }
    };
    push(-1, root, "", 0, 1);
    const tree = this.#take(nodes, open, (node, c) => {
      const ended = (c.level + 1) % k === 0;
      push(node, ended ? c.block.next.get(c.key) : c.block, ended ? "" : c.key, c.level + 1, c.path);
    });
    return { tree, runs };
  }

  #candidates(logits: Float32Array): Choice[] {
    const { tokens, probabilities } = likeliest(logits, this.#branches);
    let left = 1;
    const names = this.#target.draftTokens;
    return tokens.map((index, i) => {
      const token = names ? names[index] : index;
      const confidence = Math.min(confidences - 1, Math.floor(probabilities[i] * confidences));
      const chance = Math.min(left, this.#acceptance.chance(ranks + confidence, 0, (confidence + 0.5) / confidences));
      left -= chance;
      return { token, chance, confidence };
    });
  }

  /** Adds open candidates, likeliest path first; `go` opens what follows a node. */
  #take<C extends Candidate>(nodes: number, open: C[], go: (node: number, c: C) => void): DraftTree {
    const builder = new TreeBuilder();
    this.#rank = [];
    this.#confidence = [];
    while (builder.size < nodes && open.length > 0) {
      const best = open.reduce((b, c, i) => (c.path > open[b].path ? i : b), 0);
      const [c] = open.splice(best, 1);
      const node = builder.add(c.parent, c.token, this.#view.source, c.chance);
      this.#rank[node] = c.rank;
      this.#confidence[node] = c.confidence;
      go(node, c);
    }
    return builder.build();
  }

  observe(round: RoundResult): void {
    const learned = this.#shape ? emptyTree : this.#drafted;
    judge(learned, round.emitted, (node, depth, accepted) => {
      this.#acceptance.update(this.#rank[node], depth, accepted);
      this.#acceptance.update(ranks + this.#confidence[node], 0, accepted);
    });
    this.#drafted = emptyTree;
    const { emitted, path, length } = round;
    const root = length - emitted.length - 1;
    for (const [i, token] of emitted.entries()) {
      const hidden = this.#features ? round.hidden(i === 0 ? -1 : path[i - 1], this.#target.layerCount) : undefined;
      this.#know(hidden, token, root + i);
    }
  }

  close(): void {
    this.#shared.runners.giveBack(this.#runner);
  }
}

interface Candidate extends Choice {
  readonly parent: number;
  readonly level: number;
  readonly rank: number;
  /** Chance that it and all before it are accepted. */
  readonly path: number;
}
