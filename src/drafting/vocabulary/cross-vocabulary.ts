import type { LanguageModel } from "../../lm/model.ts";
import type { AcceptanceTable } from "../calibration.ts";
import { type CostCurve, unmeasuredCurve } from "../cost-curve.ts";
import type { Bid, Drafter, DraftSession, RoundResult, SequenceView, TokenView } from "../drafter.ts";
import { DraftSequence } from "../drafters/draft-sequence.ts";
import { likeliest } from "../drafters/likeliest.ts";
import { type DraftTree, emptyTree, judge, TreeBuilder } from "../tree.ts";
import { TranslatedText } from "./translated-text.ts";
import { completeEnd, encodeBytes, intersect, type Vocabulary } from "./vocabulary.ts";

export interface CrossVocabularyOptions {
  /** A small model over another vocabulary than the target's. The caller keeps it and disposes of it. */
  readonly model: LanguageModel;
  readonly vocabulary: Vocabulary;
  readonly targetVocabulary: Vocabulary;
  /**
   * How its draft becomes the target's tokens. `re-encode` (default): its text is tokenised by the target's tokenizer.
   * `intersection`: it drafts only tokens that both have, one for one.
   */
  readonly mapping?: "re-encode" | "intersection";
  /** Default "model". */
  readonly name?: string;
  readonly curve?: CostCurve;
  readonly clock?: () => number;
}

const spreadTokens = 64;
const fewRows = 16;
const mostNodes = 16;
const depthPrior = 0.5;
const confidenceBuckets = 10;
/** Forwards for each of the target's tokens, before that is known. */
const firstForwards = 1.3;
const memory = 0.98;

/**
 * Small-model drafting across vocabularies: the model reads the text in its own tokens and continues it greedily, and the
 * draft is put into tokens of the target. Whatever it makes of that, `match` keeps the output the target's own.
 * Sources: the vocabulary intersection and the re-encoding of text are those of Timor et al. 2025 ("Accelerating LLM
 * Inference with Lossless Speculative Decoding Algorithms for Heterogeneous Vocabularies"), for drafts that are point masses.
 */
export function crossVocabularyDrafter(options: CrossVocabularyOptions): Drafter {
  const shared = {
    ...options,
    curve: options.curve ?? unmeasuredCurve(),
    clock: options.clock ?? (() => performance.now()),
    toTarget:
      options.mapping === "intersection" ? intersect(options.targetVocabulary, options.vocabulary).toTarget : null,
    forwards: { perNode: firstForwards },
  };
  return { name: options.name ?? "model", needs: {}, open: (view) => new CrossSession(shared, view) };
}

interface Shared extends CrossVocabularyOptions {
  readonly curve: CostCurve;
  readonly clock: () => number;
  /** Only with `intersection`. */
  readonly toTarget: Int32Array | null;
  /** Learned by all sessions. */
  readonly forwards: { perNode: number };
}

interface Drafted {
  readonly tokens: readonly number[];
  /** Probability of each, as the model has it. */
  readonly probabilities: readonly number[];
}

class CrossSession implements DraftSession {
  private readonly shared: Shared;
  private readonly source: number;
  private readonly acceptance: AcceptanceTable;
  private readonly sequence: DraftSequence;
  private readonly text: TranslatedText;
  private offer: { version: number; parent: Int32Array; chance: Float64Array } | null = null;
  private drafted: DraftTree = emptyTree;
  private readonly bucket: number[] = [];

  constructor(shared: Shared, view: SequenceView) {
    this.shared = shared;
    this.source = view.source;
    this.acceptance = view.acceptance;
    // Its tokens may be shorter than the target's, so it may need more rows than the target.
    this.sequence = new DraftSequence(shared.model, shared.model.contextLength, shared.curve, shared.clock);
    this.text = new TranslatedText(shared.targetVocabulary, shared.vocabulary);
  }

  bid(context: TokenView): readonly Bid[] {
    const { text, sequence } = this;
    text.set(context.tokens, context.length, true);
    if (!text.complete || text.count === 0 || text.count >= sequence.capacity) return [];
    const { parent, chance } = this.shape(Math.min(context.maxDepth, context.maxNodes, mostNodes));
    const { curve, forwards } = this.shared;
    const step = curve.ms(1, text.count);
    const missing = Math.max(1, text.count - sequence.length);
    const catchUp = curve.ms(missing, Math.min(sequence.length, text.count)) - step;
    const onceMs = missing > fewRows ? catchUp : 0;
    const extra = missing > fewRows ? catchUp / Math.min(context.maxDepth + 1, spreadTokens) : catchUp;
    const draftMs = (nodes: number) => (nodes === 0 ? 0 : step * Math.max(1, nodes * forwards.perNode) + extra);
    return [{ parent, chance, onceMs, draftMs }];
  }

  private shape(nodes: number): { parent: Int32Array; chance: Float64Array } {
    const { version } = this.acceptance;
    if (this.offer?.version === version && this.offer.parent.length === nodes) return this.offer;
    const chance = new Float64Array(nodes);
    this.acceptance.chain(0, depthPrior, chance);
    this.offer = { version, parent: Int32Array.from(chance, (_, i) => i - 1), chance };
    return this.offer;
  }

  expand(bid: Bid, nodes: number, floor: number): DraftTree {
    const most = Math.min(nodes, bid.parent.length);
    const { tokens, probabilities } = this.shared.toTarget
      ? this.draftShared(this.shared.toTarget, most, floor)
      : this.draftText(most, floor);
    const builder = new TreeBuilder();
    tokens.slice(0, most).forEach((token, depth) => {
      const confidence = Math.min(confidenceBuckets - 1, Math.floor(probabilities[depth] * confidenceBuckets));
      const bucket = 1 + confidence;
      const chance = this.acceptance.chance(bucket, 0, (confidence + 0.5) / confidenceBuckets);
      this.bucket[builder.add(depth - 1, token, this.source, chance)] = bucket;
    });
    this.drafted = builder.build();
    return this.drafted;
  }

  observe(round: RoundResult): void {
    judge(this.drafted, round.emitted, (node, depth, accepted) => {
      this.acceptance.update(0, depth, accepted);
      this.acceptance.update(this.bucket[node], 0, accepted);
    });
    this.drafted = emptyTree;
  }

  close(): void {
    this.sequence.close();
  }

  /** Token for token, only such that both vocabularies have. */
  private draftShared(toTarget: Int32Array, nodes: number, floor: number): Drafted {
    const tokens: number[] = [];
    const probabilities: number[] = [];
    let path = 1;
    this.continue((logits) => {
      for (let token = 0; token < logits.length; token++) if (toTarget[token] < 0) logits[token] = -Infinity;
      const { tokens: best, probabilities: chances } = likeliest(logits, 1);
      if (toTarget[best[0]] < 0) return -1;
      tokens.push(toTarget[best[0]]);
      probabilities.push(chances[0]);
      path *= chances[0];
      return tokens.length >= nodes || path < floor || this.shared.vocabulary.isEndOfGeneration(best[0]) ? -1 : best[0];
    });
    return { tokens, probabilities };
  }

  /** Text, until the target has tokens enough for it; the last one may still grow, so one more is waited for. */
  private draftText(nodes: number, floor: number): Drafted {
    const { vocabulary, targetVocabulary } = this.shared;
    const bytes: number[] = [];
    /** Where each of its own tokens starts, and its probability. */
    const starts: number[] = [];
    const chances: number[] = [];
    let tokens: number[] = [];
    let ended = false;
    let path = 1;
    const encode = () => {
      const all = Uint8Array.from(bytes);
      tokens = encodeBytes(targetVocabulary, all.subarray(0, completeEnd(all))) ?? [];
    };
    const forwards = this.continue((logits) => {
      const { tokens: best, probabilities } = likeliest(logits, 1);
      const piece = vocabulary.pieceBytes(best[0]);
      ended = vocabulary.isEndOfGeneration(best[0]);
      starts.push(bytes.length);
      chances.push(probabilities[0]);
      path *= probabilities[0];
      if (ended || piece.length === 0) return -1;
      bytes.push(...piece);
      encode();
      return tokens.length > nodes || path < floor || starts.length > 4 * nodes ? -1 : best[0];
    });
    // The probability of one of its tokens counts for the target's token in which it starts.
    const probabilities = new Array<number>(tokens.length + 1).fill(1);
    let node = 0;
    let end = 0;
    starts.forEach((start, i) => {
      while (node < tokens.length && start >= end + targetVocabulary.pieceBytes(tokens[node]).length) {
        end += targetVocabulary.pieceBytes(tokens[node++]).length;
      }
      probabilities[node] *= chances[i];
    });
    if (ended && targetVocabulary.eos >= 0) tokens = [...tokens, targetVocabulary.eos];
    const { forwards: learned } = this.shared;
    if (tokens.length > 0) {
      const perNode = forwards / Math.min(nodes, tokens.length);
      learned.perNode = memory * learned.perNode + (1 - memory) * perNode;
    }
    return { tokens, probabilities };
  }

  /** Runs the text, then token after token as `choose` says, until it gives -1 or the context ends. Returns the forwards. */
  private continue(choose: (logits: Float32Array) => number): number {
    const { sequence, text } = this;
    let forwards = 1;
    let next = choose(sequence.run(text.tokens, text.count)(0));
    while (next >= 0 && sequence.length < sequence.capacity) {
      forwards++;
      next = choose(sequence.extend(next));
    }
    return forwards;
  }
}
