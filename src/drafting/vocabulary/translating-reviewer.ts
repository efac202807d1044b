import { argmax } from "../../lm/sampling/index.ts";
import { type DraftText, keeps, probabilityOf, type Review, type Reviewer } from "../drafters/cascade/reviewer.ts";
import type { DraftSequence } from "../drafters/draft-sequence.ts";
import { TranslatedText } from "./translated-text.ts";
import { encodeBytes, type Vocabulary } from "./vocabulary.ts";

const nothing: Review = { kept: 0, added: 0 };

/**
 * A level of a cascade whose model has another vocabulary than the target: it reads the text in its own tokens, and what it
 * keeps or adds is put into the target's again. For `CascadeModel.reviewer`.
 */
export function translatingReviewer(target: Vocabulary, own: Vocabulary): (sequence: DraftSequence) => Reviewer {
  return (sequence) => new TranslatingReviewer(target, own, sequence);
}

class TranslatingReviewer implements Reviewer {
  private readonly target: Vocabulary;
  private readonly own: Vocabulary;
  private readonly sequence: DraftSequence;
  private readonly text: TranslatedText;

  constructor(target: Vocabulary, own: Vocabulary, sequence: DraftSequence) {
    this.target = target;
    this.own = own;
    this.sequence = sequence;
    this.text = new TranslatedText(target, own);
  }

  /** In tokens of the target nobody can say; a text that is too long is found out by its own tokens. */
  get capacity(): number {
    return Number.MAX_SAFE_INTEGER;
  }

  follow(tokens: Int32Array, length: number): void {
    this.text.set(tokens, length, true);
  }

  missing(): number {
    return Math.max(1, this.text.count - this.sequence.length);
  }

  review(draft: DraftText, base: number, end: number, lenience: number, limit: number): Review {
    const { text, own, sequence } = this;
    text.set(draft.tokens, end, false);
    if (!text.complete || text.count > sequence.capacity) return nothing;
    const { starts, count, tokens } = text;
    const baseByte = text.endOf(base);
    // The first of its tokens that reaches into the block; the one before it gives its logits.
    let first = count;
    while (first > 0 && (starts[first] ?? text.byteLength) > baseByte) first--;
    if (base === end || text.byteLength === baseByte) first = count;
    if (first === 0) return nothing;
    const logits = sequence.run(tokens, count, count - first + 1);
    /** Of its tokens that begin in each token of the block. */
    const chances = new Float64Array(end - base).fill(1);
    for (let at = first; ; at++) {
      const row = logits(at - first);
      const best = argmax(row);
      const byte = starts[at] ?? text.byteLength;
      if (at < count) {
        const node = this.nodeAt(base, end, byte);
        const chance = probabilityOf(row, best, tokens[at]);
        if (tokens[at] === best || keeps(chance, draft.probability[base + node], lenience)) {
          chances[node] *= chance;
          continue;
        }
      }
      let kept = 0;
      while (base + kept < end && text.endOf(base + kept + 1) <= byte) kept++;
      for (let i = 0; i < kept; i++) draft.probability[base + i] = chances[i];
      const said = this.said(best, byte, text.endOf(base + kept), own.isEndOfGeneration(best));
      const added = Math.min(said.length, limit - base - kept);
      for (let i = 0; i < added; i++) {
        draft.tokens[base + kept + i] = said[i];
        draft.probability[base + kept + i] = i === 0 ? probabilityOf(row, best, best) : 1;
      }
      return { kept, added };
    }
  }

  close(): void {
    this.sequence.close();
  }

  /** Token of the block in which a byte lies, counted from its first. */
  private nodeAt(base: number, end: number, byte: number): number {
    let node = 0;
    while (base + node < end - 1 && this.text.endOf(base + node + 1) <= byte) node++;
    return node;
  }

  /** The target's tokens for the text from `from` on: up to `byte` as it stands, then the token. */
  private said(token: number, byte: number, from: number, ends: boolean): readonly number[] {
    const { text, own, target } = this;
    if (ends) return byte === from && target.eos >= 0 ? [target.eos] : [];
    const piece = own.pieceBytes(token);
    if (byte >= from) return encodeBytes(target, concat(text.slice(from, byte), piece)) ?? [];
    // Its token begins before the block: it must say again what is there.
    const before = text.slice(byte, from);
    if (piece.length <= before.length || before.some((value, i) => piece[i] !== value)) return [];
    return encodeBytes(target, piece.slice(before.length)) ?? [];
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
