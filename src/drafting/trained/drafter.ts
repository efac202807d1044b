// Trained heads as drafters: what the target's rows said feeds the head, the head's likeliest tokens become a tree.

import { DraftwrightError } from "../../errors.ts";
import type { Backend } from "../../ggml/index.ts";
import type { AcceptanceTable } from "../calibration.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../drafter.ts";
import { likeliest } from "../drafters/likeliest.ts";
import { type DraftTree, emptyTree, judge, TreeBuilder } from "../tree.ts";
import type { Head } from "./head.ts";
import { HeadRunner, MOST_ROWS, type RunResult } from "./runner.ts";
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
  readonly clock?: () => number;
  /** False: features count as zeros, for targets without hidden states. Default true. */
  readonly features?: boolean;
}

/** Buckets of the acceptance table: by rank before anything is drafted, by confidence once it is. */
const ranks = 4;
const rankPriors = [0.6, 0.12, 0.05, 0.03];
const confidences = 10;

/** What runs of a head take, shared by the sessions of a drafter. */
interface Speed {
  /** Milliseconds of a run of few rows. */
  runMs: number;
}

/** Drafts with a head. Its output is what the head says; what is emitted is decided by the target alone. */
export function headDrafter(options: HeadDrafterOptions): Drafter {
  const { head, target, features = true } = options;
  const speed: Speed = { runMs: 0.3 };
  return {
    name: head.settings.kind,
    needs: features ? { hidden: [target.layerCount] } : {},
    open(view) {
      if (view.vocabSize !== target.vocabSize) {
        throw new DraftwrightError(
          "vocabulary-mismatch",
          `The head drafts ${target.vocabSize} tokens, the target has ${view.vocabSize}. Train a head for this target.`,
        );
      }
      return new HeadSession(options, view, speed);
    },
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
  readonly #levels: number;
  readonly #beam: number;
  readonly #features: boolean;
  readonly #clock: () => number;
  readonly #speed: Speed;
  readonly #runner: HeadRunner;
  #context: TokenView | null = null;
  /** Not in the head's cache yet. */
  #waiting: Known[] = [];
  /** Rows in the head's cache. */
  #held = 0;
  #position = 0;
  #drafted: DraftTree = emptyTree;
  #rank: number[] = [];
  #confidence: number[] = [];

  constructor(options: HeadDrafterOptions, view: SequenceView, speed: Speed) {
    this.#head = options.head;
    this.#target = options.target;
    this.#view = view;
    this.#acceptance = view.acceptance;
    this.#branches = Math.min(options.branches ?? 3, ranks, view.vocabSize);
    const { heads, kind } = options.head.settings;
    this.#levels = kind === "eagle" ? (options.depth ?? 6) : heads;
    this.#beam = options.beam ?? 3;
    this.#features = options.features ?? true;
    this.#clock = options.clock ?? (() => performance.now());
    this.#speed = speed;
    const room = view.contextLength + (kind === "eagle" ? this.#levels * this.#beam : 0);
    this.#runner = new HeadRunner(options.backend, options.head, options.target, room);
  }

  prefilled(tokens: Int32Array, first: number, rows: number, hidden: (row: number, layer: number) => Float32Array) {
    for (let row = first; row < first + rows; row++)
      this.#know(hidden(row, this.#target.layerCount), tokens[row + 1], row);
  }

  #know(hidden: Float32Array | undefined, token: number, position: number): void {
    const feature = hidden ? featureOf(hidden, this.#target) : new Float32Array(this.#target.hiddenSize);
    // A head without layers remembers nothing: only the last position counts.
    if (this.#head.layers === 0) this.#waiting = [];
    this.#waiting.push({ feature, token, position });
  }

  bid(context: TokenView): readonly Bid[] {
    this.#context = context;
    if (this.#waiting.length === 0) return [];
    const levels = Math.min(this.#levels, context.maxDepth);
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
    const { runMs } = this.#speed;
    const catchUp = runMs * Math.floor(this.#waiting.length / MOST_ROWS);
    const runs = (nodes: number) =>
      this.#head.settings.kind === "eagle" ? Math.min(levels, 1 + Math.floor(nodes / this.#branches)) : 1;
    return [{ parent, chance, draftMs: (nodes) => (nodes === 0 ? 0 : runMs * runs(nodes)), onceMs: catchUp }];
  }

  expand(_: Bid, nodes: number, floor: number): DraftTree {
    const context = this.#context as TokenView;
    const start = this.#clock();
    const feeds = Math.ceil(this.#waiting.length / MOST_ROWS);
    const result = this.#feed();
    const levels = Math.min(this.#levels, context.maxDepth);
    const eagle = this.#head.settings.kind === "eagle";
    const { tree, runs } = eagle ? this.#grow(result, nodes, levels, floor) : this.#combine(result, nodes, levels);
    this.#drafted = tree;
    const ms = (this.#clock() - start) / (feeds + runs);
    this.#speed.runMs = 0.9 * this.#speed.runMs + 0.1 * ms;
    return tree;
  }

  /** Runs what waits; the result is that of the last row. */
  #feed(): RunResult {
    let result: RunResult | undefined;
    while (this.#waiting.length > 0) {
      const part = this.#waiting.splice(0, MOST_ROWS);
      const slots = part.map((_, i) => this.#held + i);
      result = this.#runner.run({
        features: part.map(({ feature }) => feature),
        tokens: part.map(({ token }) => token),
        positions: part.map(({ position }) => position),
        slots,
        committed: this.#held,
        sees: slots.map((slot) => slots.filter((other) => other < slot)),
        wanted: [part.length - 1],
      });
      this.#held += part.length;
      this.#position = part[part.length - 1].position;
    }
    return result as RunResult;
  }

  /** Heads of several positions: every path of ranks, likeliest first. */
  #combine(result: RunResult, nodes: number, levels: number): { tree: DraftTree; runs: number } {
    const options = Array.from({ length: levels }, (_, level) => this.#candidates(result.logits(0, level)));
    const open: Candidate[] = [];
    const push = (parent: number, level: number, path: number) => {
      for (const [rank, c] of (options[level] ?? []).entries()) {
        open.push({ ...c, parent, level, rank, path: path * c.chance });
      }
    };
    push(-1, 0, 1);
    const tree = this.#take(nodes, open, (node, c) => push(node, c.level + 1, c.path));
    return { tree, runs: 0 };
  }

  /** EAGLE-2's dynamic tree: each level goes on from its likeliest nodes; the best of all nodes are kept. */
  #grow(result: RunResult, nodes: number, levels: number, floor: number): { tree: DraftTree; runs: number } {
    interface Grown extends Candidate {
      /** Slot of the row that was run for it, and the slots it sees. */
      slots?: readonly number[];
      output: Float32Array;
      /** Candidates grown from it. */
      readonly next: Grown[];
    }
    const children = (logits: Float32Array, output: Float32Array, level: number, path: number): Grown[] =>
      this.#candidates(logits).map((c, rank) => ({
        ...c,
        parent: -1,
        level,
        rank,
        path: path * c.chance,
        output,
        next: [],
      }));
    const first = children(result.logits(0, 0), result.output(0).slice(), 0, 1);
    let frontier: { from: Grown; slots: readonly number[] }[] = first.map((from) => ({ from, slots: [] }));
    const all: Grown[] = [...first];
    let runs = 0;
    let slot = this.#held;
    for (let level = 1; level < levels; level++) {
      const beam = frontier.sort((a, b) => b.from.path - a.from.path).slice(0, this.#beam);
      // A path that none of the nodes will be taken from pays for no run.
      const kept = all.map(({ path }) => path).sort((a, b) => b - a)[nodes - 1] ?? 0;
      const going = beam.filter(({ from }) => from.path > Math.max(kept, floor));
      if (going.length === 0) break;
      const slots = going.map((_, i) => slot + i);
      slot += going.length;
      const out = this.#runner.run({
        features: going.map(({ from }) => from.output),
        tokens: going.map(({ from }) => from.token),
        positions: going.map(() => this.#position + level),
        slots,
        committed: this.#held,
        sees: going.map((g) => g.slots),
        wanted: going.map((_, i) => i),
      });
      runs++;
      frontier = going.flatMap(({ from, slots: seen }, i) => {
        from.next.push(...children(out.logits(i, 0), out.output(i).slice(), level, from.path));
        all.push(...from.next);
        return from.next.map((next) => ({ from: next, slots: [...seen, slots[i]] }));
      });
    }
    const open: Grown[] = [...first];
    const tree = this.#take(nodes, open, (node, c) => {
      for (const next of c.next) open.push({ ...next, parent: node });
    });
    return { tree, runs };
  }

  #candidates(logits: Float32Array): { token: number; chance: number; confidence: number }[] {
    const { tokens, probabilities } = likeliest(logits, this.#branches);
    let left = 1;
    return tokens.map((token, i) => {
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
    judge(this.#drafted, round.emitted, (node, depth, accepted) => {
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
    this.#runner[Symbol.dispose]();
  }
}

interface Candidate {
  readonly token: number;
  readonly chance: number;
  readonly confidence: number;
  readonly parent: number;
  readonly level: number;
  readonly rank: number;
  /** Chance that it and all before it are accepted. */
  readonly path: number;
}
