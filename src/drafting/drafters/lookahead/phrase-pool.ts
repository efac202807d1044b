import { DraftwrightError } from "../../../errors.ts";

/**
 * Who may see the pool, which holds text of users as tokens. `request`: one sequence, forgotten when it closes. `session`:
 * every sequence that is given the pool, in memory only. `disk`: the same, and it may be saved.
 */
export type PoolScope = "request" | "session" | "disk";

/** Who knew a phrase first: the committed text, the lookahead window, or the target's outputs at rejected nodes. */
export type PhraseOrigin = "text" | "window" | "verified";

export interface Phrase {
  readonly tokens: readonly number[];
  readonly origin: PhraseOrigin;
}

export interface PoolOptions {
  readonly vocabSize: number;
  /** Identity of the vocabulary: `Tokenizer.hash`. A saved pool is refused by any other. Default "". */
  readonly tokenizerHash?: string;
  /** Tokens of a phrase, without its key. Default 3. */
  readonly phraseLength?: number;
  /** Phrases kept under one key. Default 20. */
  readonly perKey?: number;
  /** Phrases kept altogether; the keys written longest ago are dropped first. Default 200,000. */
  readonly maxPhrases?: number;
  /** Default "session". */
  readonly scope?: PoolScope;
}

export interface PoolStats {
  readonly scope: PoolScope;
  readonly keys: number;
  readonly phrases: number;
  /** Phrases by who knew them first; those of a file count as text. */
  readonly byOrigin: Readonly<Record<PhraseOrigin, number>>;
}

/**
 * Phrases of a fixed length by the token before them, oldest first under each key: inserting one again makes it the newest,
 * an overflow drops the oldest. Source: Zhao et al. 2024, "Ouroboros" (phrase pool); Fu et al. 2024, "Lookahead decoding" (n-gram pool).
 */
export class PhrasePool {
  readonly vocabSize: number;
  readonly tokenizerHash: string;
  readonly phraseLength: number;
  readonly perKey: number;
  readonly maxPhrases: number;
  readonly scope: PoolScope;
  /** Phrases held. */
  size = 0;
  private readonly lists = new Map<number, Phrase[]>();

  /** Throws "bad-argument" when a number is out of range. */
  constructor(options: PoolOptions) {
    this.vocabSize = options.vocabSize;
    this.tokenizerHash = options.tokenizerHash ?? "";
    this.phraseLength = options.phraseLength ?? 3;
    this.perKey = options.perKey ?? 20;
    this.maxPhrases = options.maxPhrases ?? 200_000;
    this.scope = options.scope ?? "session";
    checkRange("pool: vocabSize", this.vocabSize, 1, 2 ** 31 - 1);
    checkRange("pool: phraseLength", this.phraseLength, 1, 32);
    checkRange("pool: perKey", this.perKey, 1, 1000);
    checkRange("pool: maxPhrases", this.maxPhrases, 1, 50_000_000);
    if (this.scope === "disk" && this.tokenizerHash === "") {
      throw new DraftwrightError("bad-argument", 'A pool of scope "disk" needs the tokenizerHash of its vocabulary.');
    }
  }

  /** Up to `count` phrases under `key`, newest first. */
  newest(key: number, count: number): Phrase[] {
    return (this.lists.get(key) ?? []).slice(-count || Number.MAX_SAFE_INTEGER).reverse();
  }

  /** Throws "bad-argument" for a phrase of another length or with a token outside of the vocabulary. */
  insert(key: number, tokens: readonly number[], origin: PhraseOrigin): void {
    for (const token of [key, ...tokens]) checkRange("pool: token", token, 0, this.vocabSize - 1);
    if (tokens.length !== this.phraseLength) {
      throw new DraftwrightError(
        "bad-argument",
        `A phrase of ${tokens.length} tokens in a pool of phrases of ${this.phraseLength}. Cut it, or open another pool.`,
      );
    }
    const list = this.lists.get(key) ?? [];
    const twin = list.findIndex((phrase) => equal(phrase.tokens, tokens));
    const phrase = twin >= 0 ? list.splice(twin, 1)[0] : { tokens: [...tokens], origin };
    if (twin < 0) this.size++;
    list.push(phrase);
    if (list.length > this.perKey) {
      list.shift();
      this.size--;
    }
    this.lists.delete(key);
    this.lists.set(key, list);
    while (this.size > this.maxPhrases) this.dropOldestKey();
  }

  /** Puts the target's own version in the place of a phrase that was just used; nothing when it is no longer there. */
  refresh(key: number, used: Phrase, tokens: readonly number[]): void {
    const list = this.lists.get(key) ?? [];
    const at = list.indexOf(used);
    if (at < 0 || equal(used.tokens, tokens)) return;
    const twin = list.findIndex((phrase) => equal(phrase.tokens, tokens));
    if (twin < 0) {
      list[at] = { tokens: [...tokens], origin: "verified" };
      return;
    }
    // The target's version is known already: one of the two goes, the newer place stays.
    list[Math.max(at, twin)] = list[twin];
    list.splice(Math.min(at, twin), 1);
    this.size--;
  }

  /** Every key with its phrases, oldest first: the keys by when they were last written, the phrases as they age. */
  entries(): IterableIterator<[number, readonly Phrase[]]> {
    return this.lists.entries();
  }

  clear(): void {
    this.lists.clear();
    this.size = 0;
  }

  stats(): PoolStats {
    const byOrigin = { text: 0, window: 0, verified: 0 };
    for (const list of this.lists.values()) for (const { origin } of list) byOrigin[origin]++;
    return { scope: this.scope, keys: this.lists.size, phrases: this.size, byOrigin };
  }

  private dropOldestKey(): void {
    for (const [key, list] of this.lists) {
      this.lists.delete(key);
      this.size -= list.length;
      return;
    }
  }
}

/** Throws "bad-argument" unless `value` is an integer in `least`..`most`. */
export function checkRange(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new DraftwrightError("bad-argument", `${name} is ${value}; it must be an integer in ${least}..${most}.`);
  }
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
