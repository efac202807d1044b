/**
 * The most frequent follower of every token in a stream: Int32Array [vocabSize], -1 where the token was never followed.
 * The lowest id wins a tie, so that the same text gives the same table.
 */
export function bigramTable(tokens: ArrayLike<number>, vocabSize: number): Int32Array {
  const counts = new Map<number, number>();
  for (let i = 1; i < tokens.length; i++) {
    const pair = tokens[i - 1] * vocabSize + tokens[i];
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  const table = new Int32Array(vocabSize).fill(-1);
  const best = new Int32Array(vocabSize);
  for (const [pair, count] of counts) {
    const first = Math.floor(pair / vocabSize);
    const second = pair % vocabSize;
    if (count > best[first] || (count === best[first] && second < table[first])) {
      best[first] = count;
      table[first] = second;
    }
  }
  return table;
}
