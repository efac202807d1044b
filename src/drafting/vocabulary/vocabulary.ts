/** What translating between vocabularies needs of a tokenizer. Control tokens have no bytes. */
export interface Vocabulary {
  readonly vocabSize: number;
  /** Token ids; -1 where there is none. */
  readonly bos: number;
  readonly eos: number;
  readonly addsBos: boolean;
  isEndOfGeneration(token: number): boolean;
  pieceBytes(token: number): Uint8Array;
  encode(text: string): ArrayLike<number>;
}

export interface Intersection {
  /** Target token of each draft token, -1 = none. [draft vocab] */
  readonly toTarget: Int32Array;
  readonly shared: number;
}

/** Tokens of two vocabularies that stand for the same bytes; and the two ends of text. */
export function intersect(target: Vocabulary, draft: Vocabulary): Intersection {
  const byText = new Map<string, number>();
  for (let token = target.vocabSize - 1; token >= 0; token--) {
    const bytes = target.pieceBytes(token);
    if (bytes.length > 0) byText.set(Buffer.from(bytes).toString("latin1"), token);
  }
  let shared = 0;
  const toTarget = new Int32Array(draft.vocabSize).fill(-1);
  for (let token = 0; token < draft.vocabSize; token++) {
    const bytes = draft.pieceBytes(token);
    const found =
      bytes.length > 0
        ? byText.get(Buffer.from(bytes).toString("latin1"))
        : draft.isEndOfGeneration(token) && target.eos >= 0
          ? target.eos
          : undefined;
    if (found === undefined) continue;
    toTarget[token] = found;
    shared++;
  }
  return { toTarget, shared };
}

/** Where the last complete character of UTF-8 ends. */
export function completeEnd(bytes: Uint8Array): number {
  let start = bytes.length - 1;
  while (start > 0 && start > bytes.length - 4 && (bytes[start] & 0xc0) === 0x80) start--;
  if (start < 0) return 0;
  const lead = bytes[start];
  const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return start + size <= bytes.length ? bytes.length : start;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Tokens for a part of a text, or null where there are none that spell exactly these bytes. Some vocabularies put a space
 * before whatever they are given: then the part is encoded without its own space, or behind a line break that is taken off.
 */
export function encodeBytes(vocabulary: Vocabulary, bytes: Uint8Array): number[] | null {
  if (bytes.length === 0) return [];
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return null;
  }
  const direct = Array.from(vocabulary.encode(text));
  if (spells(vocabulary, direct, bytes)) return direct;
  if (text.startsWith(" ")) {
    const shorter = Array.from(vocabulary.encode(text.slice(1)));
    if (spells(vocabulary, shorter, bytes)) return shorter;
  }
  const behind = Array.from(vocabulary.encode(`\n${text}`));
  while (behind.length > 0 && /^[ \n]*$/.test(Buffer.from(vocabulary.pieceBytes(behind[0])).toString("latin1"))) {
    behind.shift();
    if (spells(vocabulary, behind, bytes)) return behind;
  }
  return null;
}

function spells(vocabulary: Vocabulary, tokens: readonly number[], bytes: Uint8Array): boolean {
  let at = 0;
  for (const token of tokens) {
    for (const byte of vocabulary.pieceBytes(token)) if (bytes[at++] !== byte) return false;
  }
  return at === bytes.length;
}
