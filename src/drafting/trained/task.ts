// Learning a head from the target's texts.
import { DraftwrightError } from "../../errors.ts";
import type { TensorType } from "../../ggml/index.ts";
import { argmax } from "../../lm/sampling/index.ts";
import {
  add,
  attention,
  crossEntropy,
  Labels,
  LossGraph,
  lstm,
  matmul,
  Optimiser,
  plainRope,
  Random,
  reshape,
  rope,
  scale,
  selectRows,
  smoothL1,
  type Tape,
} from "../../nn/index.ts";
import type { TrainingTask } from "../../training/index.ts";
import { saveHead } from "./artefact.ts";
import { fromHalf, type HeadData, TOP } from "./data.ts";
import { type Glancing, glance, glancings, shownRows } from "./glancing.ts";
import { type Attend, blockEnd, blockSize, feedsItself, type Head, type Recur } from "./head.ts";
import type { TargetParts } from "./target-parts.ts";

export interface HeadTaskOptions {
  readonly head: Head;
  readonly target: TargetParts;
  readonly data: HeadData;
  /** Rows of a window and windows of a batch. Defaults 64 and 4. */
  readonly rows?: number;
  readonly windows?: number;
  readonly seed: number;
  /** Windows judged at an evaluation; default 2,048 rows of them. */
  readonly judged?: number;
  /** Falcon: how many of the inputs show what is to be estimated; null: none. Default: as in the published code. */
  readonly glancing?: Glancing | null;
  /** EAGLE and Falcon: weight of the cross-entropy beside the regression of features; default 0.1. */
  readonly classWeight?: number;
  /** EAGLE and Falcon: how far the noise on their inputs reaches; default 0.1. */
  readonly noise?: number;
  /** Of the saved head's matrices; default F32. */
  readonly type?: TensorType;
}

/** Weight of each further position of a loss (Medusa's recipe). */
const decay = 0.8;
/** Ranks that are counted for static trees. */
const countedRanks = 8;
/** Share of the texts that is held out. */
const heldOutShare = 0.05;

type Network = ReturnType<HeadTask["network"]>;
type HeadGraph = LossGraph<Network>;

/** Owns its graphs: dispose it. */
export class HeadTask implements TrainingTask {
  readonly parameters;
  readonly optimiser: Optimiser;
  readonly random: Random;
  readonly criterion = { name: "accepted", more: true };
  readonly #options: HeadTaskOptions;
  readonly #rows: number;
  readonly #windows: number;
  readonly #train: readonly number[];
  readonly #heldOut: readonly number[];
  readonly #learn: HeadGraph;
  readonly #judge: HeadGraph;
  /** What most often followed each token in the learned texts, -1: nothing did. A head must do better than that. */
  readonly #bigram: Int32Array;
  /** Of the latest evaluation, for heads of several positions. */
  #rankShares: number[][] | undefined;
  /** Row of the output matrix of each token, -1: none. Absent: in order. */
  readonly #index: Int32Array | undefined;

  /** Throws `bad-model` for another target's data, `bad-argument` for too little. */
  constructor(options: HeadTaskOptions) {
    const { head, target, data } = options;
    if (data.targetHash !== target.hash) {
      throw new DraftwrightError(
        "bad-model",
        "the data was made by another target; run `draftwright train data` again",
      );
    }
    this.#options = options;
    this.#rows = options.rows ?? 64;
    this.#windows = options.windows ?? 4;
    this.parameters = head.parameters;
    this.random = new Random(options.seed);
    if (target.draftTokens) {
      this.#index = new Int32Array(target.vocabSize).fill(-1);
      for (const [i, token] of target.draftTokens.entries()) this.#index[token] = i;
    }
    const { train, heldOut } = this.#split(data);
    this.#train = train;
    this.#heldOut = heldOut;
    this.#bigram = bigramTable(data, data.starts[this.#firstHeldOut] ?? 0, target.vocabSize);
    this.optimiser = new Optimiser(this.parameters, { betas: [0.9, 0.95], clipNorm: 1 });
    this.#learn = this.build(this.optimiser);
    this.#judge = this.build(undefined);
  }

  /** First rows of windows that end inside their text, whose labels are known. */
  #split({ starts, tokens }: HeadData): { train: number[]; heldOut: number[] } {
    const first = this.#firstHeldOut;
    const windows = (from: number, to: number, step: number) => {
      const list: number[] = [];
      for (let t = from; t < to; t++) {
        const end = (starts[t + 1] ?? tokens.length) - this.#rows - this.#reach - this.#block;
        for (let row = starts[t]; row <= end; row += step) list.push(row);
      }
      return list;
    };
    const train = windows(0, first, 4);
    const heldOut = windows(first, starts.length, this.#rows);
    if (train.length === 0 || heldOut.length === 0) {
      throw new DraftwrightError("bad-argument", `texts of more than ${this.#rows + this.#reach} tokens are needed`);
    }
    return { train, heldOut };
  }

  /** Number of the first text that is held out. */
  get #firstHeldOut(): number {
    const texts = this.#options.data.starts.length;
    return texts - Math.max(1, Math.round(texts * heldOutShare));
  }

  /** Outputs of a row. */
  get #reach(): number {
    return this.#options.head.settings.heads;
  }

  private build(optimiser: Optimiser | undefined) {
    return new LossGraph(this.parameters.backend, optimiser, (tape) => this.network(tape));
  }

  /** @internal Inputs, labels and loss. */
  network(tape: Tape) {
    const { head, target } = this.#options;
    const [rows, windows, reach] = [this.#rows, this.#windows, this.#reach];
    const all = rows * windows;
    const feature = tape.input(target.hiddenSize, all);
    const next = tape.input(target.hiddenSize, all);
    const token = tape.indices(target.vocabSize, all);
    const position = tape.indices(rows, rows);
    const mask = tape.input(rows, rows, 1, windows);
    const newest = tape.indices(all, all);
    tape.beforeRun(() => {
      position.set(Array.from({ length: rows }, (_, i) => i));
    });
    const labels = new Labels(tape, target.output.shape[1], all * reach, TOP);
    const attend: Attend = (_, q, k, v) => {
      const [size, heads] = q.shape;
      const apart = (x: typeof q) => reshape(x, size, heads, rows, windows);
      const turn = (x: typeof q) => rope(apart(x), position, plainRope(size, "pairs"));
      const mixed = attention(turn(q), turn(k), apart(v), { mask: mask.variable });
      return reshape(mixed, size * heads, all);
    };
    // Each window begins with an empty state.
    const recur: Recur = (_, gates, recurrent) => {
      const { hidden } = lstm(reshape(gates, gates.shape[0], rows, windows), recurrent);
      return reshape(hidden, hidden.shape[0], all);
    };
    const embedded = selectRows(tape.constant(target.embedding), token);
    const z = head.outputs({
      feature: feature.variable,
      token: embedded,
      attend,
      recur,
      newest: (x) => selectRows(x, newest),
    });
    const flat = reshape(z, target.hiddenSize, reach * all);
    const logits = matmul(tape.constant(target.output), flat);
    const classes = crossEntropy(logits, labels);
    const { classWeight = 0.1 } = this.#options;
    const loss = this.#regresses ? add(smoothL1(flat, next.variable), scale(classes, classWeight)) : classes;
    return { feature, next, token, mask, newest, labels, loss, logits: tape.records ? undefined : tape.output(logits) };
  }

  /** Whether features are estimated, beside tokens. */
  get #regresses(): boolean {
    return feedsItself(this.#options.head.settings);
  }

  batch(share: number): { loss: number; tokens: number } {
    const windows = Array.from({ length: this.#windows }, () => this.#train[this.random.integer(this.#train.length)]);
    const whole = this.#options.head.settings.align === "chunk";
    const phases = windows.map(() => (whole ? 0 : this.random.integer(this.#block)));
    const { feature } = this.fillToLearn(windows, phases);
    const { glancing = glancings.code, noise = 0.1 } = this.#options;
    if (this.#block > 1 && glancing) {
      this.fill(this.#judge.parts, windows, phases);
      this.#judge.run();
      this.reveal(windows, phases, shownRows(glancing, this.#wrong(windows), share));
    }
    if (this.#regresses) {
      for (let i = 0; i < feature.length; i++) feature[i] += noise * (2 * this.random.uniform() - 1);
    }
    return { loss: this.#learn.run(), tokens: this.#rows * this.#windows };
  }

  /** Positions a pass drafts. */
  get #block(): number {
    return blockSize(this.#options.head.settings);
  }

  /** Rows of the latest run without gradients whose first choice is not the target's. */
  #wrong(windows: readonly number[]): number {
    const { data, target } = this.#options;
    const classes = target.output.shape[1];
    const logits = (this.#judge.parts.logits as { array: Float32Array }).array;
    const wrong = windows.flatMap((first, w) =>
      Array.from({ length: this.#rows }, (_, i) => {
        const row = w * this.#rows + i;
        const best = argmax(logits.subarray(row * classes, (row + 1) * classes));
        return this.#token(best) !== data.top[(first + i + this.#block) * TOP];
      }).filter(Boolean),
    );
    return wrong.length;
  }

  /** @internal The inputs of a batch to be learned, filled. */
  fillToLearn(windows: readonly number[], phases: readonly number[]) {
    this.fill(this.#learn.parts, windows, phases);
    const { feature, token } = this.#learn.parts;
    return { feature: feature.array, token: token.array };
  }

  /** @internal Shows some rows to be learned the feature and the token that they are to estimate. Returns those rows. */
  reveal(windows: readonly number[], phases: readonly number[], count: number): number[] {
    const { data } = this.#options;
    const { feature, token } = this.#learn.parts;
    const [k, size] = [this.#block, data.hiddenSize];
    return glance(count, k, this.#rows, phases, this.random).map(({ window, row }) => {
      const [at, to] = [windows[window] + row + k, window * this.#rows + row];
      fromHalf(data.features.subarray(at * size, (at + 1) * size), feature.array, to * size);
      token.array[to] = data.tokens[at + 1];
      return to;
    });
  }

  /** @internal `phases`: rows by which the blocks of each window are shifted. */
  fill(
    { feature, next, token, mask, newest, labels }: Network,
    windows: readonly number[],
    phases: readonly number[] = [],
  ): void {
    const { data } = this.#options;
    const [rows, reach, size] = [this.#rows, this.#reach, data.hiddenSize];
    const weights = Array.from({ length: reach }, (_, j) => decay ** j);
    const total = weights.reduce((a, b) => a + b) * rows * windows.length;
    labels.clear();
    // The last batch of an evaluation may be a part of one.
    for (const { array } of [token, feature, next, mask, newest]) array.fill(0);
    const k = this.#block;
    for (const [w, first] of windows.entries()) {
      fromHalf(data.features.subarray(first * size, (first + rows) * size), feature.array, w * rows * size);
      fromHalf(data.features.subarray((first + k) * size, (first + rows + k) * size), next.array, w * rows * size);
      for (let i = 0; i < rows; i++) {
        // A row sees its own block to the end; of one position that is the causal mask.
        const seen = blockEnd(i, rows, k, phases[w] ?? 0);
        const from = (w * rows + i) * rows;
        if (seen < rows) mask.array.fill(Number.NEGATIVE_INFINITY, from + seen, from + rows);
        token.array[w * rows + i] = data.tokens[first + i + 1];
        newest.array[w * rows + i] = w * rows + seen - 1;
        for (let j = 0; j < reach; j++) {
          this.#label(labels, (w * rows + i) * reach + j, first + i + k + j, weights[j] / total);
        }
      }
    }
  }

  /** The row's likeliest tokens; none when the head cannot draft the first of them. */
  #label(labels: Labels, row: number, at: number, weight: number): void {
    const { top, chances } = this.#options.data;
    const found: number[] = [];
    const parts: number[] = [];
    for (let i = at * TOP; i < (at + 1) * TOP; i++) {
      const index = this.#index ? this.#index[top[i]] : top[i];
      if (index >= 0) {
        found.push(index);
        parts.push(chances[i]);
      } else if (i === at * TOP) return;
    }
    labels.soft(row, found, parts, weight / parts.reduce((a, b) => a + b, 0));
  }

  /** Of a row of the output matrix. */
  #token(index: number): number {
    return this.#options.target.draftTokens?.[index] ?? index;
  }

  /**
   * On held-out texts: how many positions of a chain of first choices agree with the target's own first choices along
   * the text (for a head of one position: at most 1), the share of each position, and that of a table of token pairs at the
   * first position.
   */
  evaluate(): Record<string, number> {
    const { data, target } = this.#options;
    const judged = this.#options.judged ?? Math.ceil(2048 / this.#rows);
    const reach = this.#reach;
    const k = this.#block;
    const classes = target.output.shape[1];
    const right = new Array<number>(reach).fill(0);
    const ranked = Array.from({ length: reach }, () => new Array<number>(countedRanks).fill(0));
    let [seen, chains, loss, runs, paired] = [0, 0, 0, 0, 0];
    for (let at = 0; at < Math.min(judged, this.#heldOut.length); at += this.#windows) {
      const windows = this.#heldOut.slice(at, at + this.#windows);
      this.fill(this.#judge.parts, windows);
      loss += this.#judge.run();
      runs++;
      const logits = (this.#judge.parts.logits as { array: Float32Array }).array;
      for (const [w, first] of windows.entries()) {
        for (let i = 0; i < this.#rows; i++) {
          let unbroken = true;
          // A head of k positions says the k-th here; the pair before it is as near.
          if (this.#bigram[data.tokens[first + i + k]] === data.top[(first + i + k) * TOP]) paired++;
          for (let j = 0; j < reach; j++) {
            const row = (w * this.#rows + i) * reach + j;
            const said = logits.subarray(row * classes, (row + 1) * classes);
            const best = this.#token(argmax(said));
            const rank = this.#rank(said, data.top[(first + i + k + j) * TOP]);
            if (rank < countedRanks) ranked[j][rank]++;
            const agrees = best === data.top[(first + i + k + j) * TOP];
            if (agrees) right[j]++;
            if (agrees && unbroken) chains++;
            // Further positions count while the text goes on as the target's first choice.
            unbroken &&= agrees && data.tokens[first + i + k + 1 + j] === best;
          }
          seen++;
        }
      }
    }
    if (reach > 1) this.#rankShares = ranked.map((counts) => counts.map((count) => count / seen));
    const shares = Object.fromEntries(right.map((count, j) => [`position ${j + 1}`, count / seen]));
    return { accepted: chains / seen, ...shares, bigram: paired / seen, "held-out loss": loss / runs };
  }

  /** How many tokens a row prefers to this one; more than are counted when it cannot be drafted. */
  #rank(logits: Float32Array, token: number): number {
    const index = this.#index ? this.#index[token] : token;
    if (index < 0) return countedRanks;
    let before = 0;
    for (const logit of logits) if (logit > logits[index]) before++;
    return before;
  }

  /** The head as it is, with what `evaluate` counted last. */
  save(path: string): void {
    const { head, target, type } = this.#options;
    saveHead(path, head, target.hash, { type, rankShares: this.#rankShares });
  }

  /** What `evaluate` counted last: see `HeadSettings.rankShares`. Undefined for heads that feed themselves. */
  get rankShares(): readonly (readonly number[])[] | undefined {
    return this.#rankShares;
  }

  [Symbol.dispose](): void {
    this.#learn[Symbol.dispose]();
    this.#judge[Symbol.dispose]();
    this.optimiser[Symbol.dispose]();
  }
}

/** By token: what the target most often says after it, in the rows before `end`. */
function bigramTable({ tokens, top }: HeadData, end: number, vocabSize: number): Int32Array {
  const counts = new Map<number, number>();
  for (let row = 0; row < end; row++) {
    const key = tokens[row] * vocabSize + top[row * TOP];
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const best = new Int32Array(vocabSize).fill(-1);
  const most = new Int32Array(vocabSize);
  for (const [key, count] of counts) {
    const token = Math.floor(key / vocabSize);
    if (count <= most[token]) continue;
    most[token] = count;
    best[token] = key % vocabSize;
  }
  return best;
}
