// Byte-pair encoding as one would explain it, as the oracle of the fast trainer and of libllama's tokens.
import { byteAlphabet } from "../../../lm/index.ts";

export type Merge = readonly [left: string, right: string];

/** One word as the tokens that the merges make of it: the lowest rank first, from left to right. */
export function referenceTokens(word: string, merges: readonly Merge[]): string[] {
  const ranks = new Map(merges.map((pair, rank) => [pair.join(" "), rank]));
  let symbols = Array.from(Buffer.from(word), (byte) => byteAlphabet[byte]);
  for (;;) {
    const found = symbols.slice(1).map((right, i) => ranks.get(`${symbols[i]} ${right}`) ?? Number.POSITIVE_INFINITY);
    const best = Math.min(...found);
    if (!Number.isFinite(best)) return symbols;
    symbols = replaced(symbols, merges[best]);
  }
}

/** Learns merges by counting everything anew for each. */
export function referenceMerges(counts: ReadonlyMap<string, number>, most: number, minFrequency: number): Merge[] {
  let words = Array.from(counts, ([word, count]) => ({
    symbols: Array.from(Buffer.from(word), (byte) => byteAlphabet[byte]),
    count,
  }));
  const order = [...byteAlphabet].sort();
  const merges: Merge[] = [];
  while (merges.length < most) {
    const pairs = new Map<string, number>();
    for (const { symbols, count } of words) {
      for (let i = 1; i < symbols.length; i++) {
        const pair = `${symbols[i - 1]} ${symbols[i]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + count);
      }
    }
    const ranked = Array.from(pairs, ([pair, count]) => ({ pair: pair.split(" ") as [string, string], count }))
      .filter(({ count }) => count >= minFrequency)
      .sort((a, b) => b.count - a.count || rank(a.pair[0]) - rank(b.pair[0]) || rank(a.pair[1]) - rank(b.pair[1]));
    if (ranked.length === 0) break;
    const [{ pair }] = ranked;
    merges.push(pair);
    order.push(pair.join(""));
    words = words.map(({ symbols, count }) => ({ symbols: replaced(symbols, pair), count }));
  }
  return merges;

  function rank(symbol: string): number {
    return order.indexOf(symbol);
  }
}

function replaced(symbols: readonly string[], [left, right]: Merge): string[] {
  const result: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const both = symbols[i] === left && symbols[i + 1] === right;
    result.push(both ? left + right : symbols[i]);
    if (both) i++;
  }
  return result;
}
