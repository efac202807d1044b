import { completeEnd, encodeBytes, type Vocabulary } from "./vocabulary.ts";

/** How far back a place is sought at which the text may be cut without changing its tokens. */
const lookBack = 256;
/** Where there is none, tokenising starts so many bytes before the change. */
const overlap = 64;
const space = 0x20;

/**
 * The text of a target's tokens in the tokens of another vocabulary, kept in step as the text grows or its end is rewritten:
 * only from the last word boundary before a change on is it tokenised anew.
 */
export class TranslatedText {
  /** Tokens of the draft model; the first `count` entries count. */
  tokens = new Int32Array(256);
  count = 0;
  /** Byte at which each of them starts. */
  readonly starts: number[] = [];
  private readonly target: Vocabulary;
  private readonly own: Vocabulary;
  private bytes = new Uint8Array(1024);
  private byteCount = 0;
  /** Tokens of the target. */
  private readonly from: number[] = [];
  /** Byte at which each of the target's tokens ends. */
  private readonly ends: number[] = [];
  /** Target tokens that are committed and never change. */
  private settled = 0;
  /** Bytes that `tokens` spell. */
  private covered = 0;

  constructor(target: Vocabulary, own: Vocabulary) {
    this.target = target;
    this.own = own;
  }

  /** False while the text ends within a character, or cannot be spelled. */
  get complete(): boolean {
    return this.covered === this.byteCount;
  }

  get byteLength(): number {
    return this.byteCount;
  }

  /** Byte at which the first `length` tokens of the target end. */
  endOf(length: number): number {
    return length === 0 ? 0 : this.ends[length - 1];
  }

  slice(from: number, to: number): Uint8Array {
    return this.bytes.slice(from, to);
  }

  /** The text is `tokens[0, length)` of the target. `committed`: it will never be shorter or other. */
  set(tokens: Int32Array, length: number, committed: boolean): void {
    let same = Math.min(this.settled, length);
    while (same < length && same < this.from.length && this.from[same] === tokens[same]) same++;
    if (committed) this.settled = length;
    const changed = this.endOf(same);
    const unchanged = same === length && same === this.from.length;
    this.from.length = same;
    this.ends.length = same;
    this.byteCount = changed;
    for (let i = same; i < length; i++) {
      this.append(this.target.pieceBytes(tokens[i]));
      this.from.push(tokens[i]);
      this.ends.push(this.byteCount);
    }
    if (!unchanged) this.retokenise(Math.min(changed, this.covered));
  }

  private append(piece: Uint8Array): void {
    if (this.byteCount + piece.length > this.bytes.length) {
      const larger = new Uint8Array(2 * (this.byteCount + piece.length));
      larger.set(this.bytes.subarray(0, this.byteCount));
      this.bytes = larger;
    }
    this.bytes.set(piece, this.byteCount);
    this.byteCount += piece.length;
  }

  private retokenise(changed: number): void {
    const { starts } = this;
    let at = this.count - 1;
    const restart = this.restart(changed);
    while (at >= 0 && starts[at] >= restart) at--;
    // A token across the place makes it no place to cut.
    const cut = starts[at + 1] === restart ? at + 1 : 0;
    const from = cut === 0 ? 0 : restart;
    this.truncate(cut);
    if (cut === 0 && this.own.addsBos && this.own.bos >= 0) this.push(this.own.bos, 0);
    const text = this.bytes.subarray(from, this.byteCount);
    const encoded = encodeBytes(this.own, text.subarray(0, completeEnd(text)));
    this.covered = from;
    for (const token of encoded ?? []) {
      this.push(token, this.covered);
      this.covered += this.own.pieceBytes(token).length;
    }
  }

  /** A byte before `changed` at which tokens begin whatever follows: the space before a word that follows a word. */
  private restart(changed: number): number {
    const { bytes, starts } = this;
    for (let i = changed - 2; i > 0 && i > changed - lookBack; i--) {
      if (bytes[i] === space && isLetter(bytes[i - 1]) && isLetter(bytes[i + 1])) return i;
    }
    if (changed <= lookBack) return 0;
    let at = this.count - 1;
    while (at > 0 && (starts[at] > changed - overlap || (bytes[starts[at]] & 0xc0) === 0x80)) at--;
    return starts[at] ?? 0;
  }

  private truncate(count: number): void {
    this.count = count;
    this.starts.length = count;
  }

  private push(token: number, start: number): void {
    if (this.count === this.tokens.length) {
      const larger = new Int32Array(2 * this.count);
      larger.set(this.tokens);
      this.tokens = larger;
    }
    this.tokens[this.count++] = token;
    this.starts.push(start);
  }
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
