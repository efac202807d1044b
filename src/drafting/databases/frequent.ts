import type { SortedSequences } from "./sorted-sequences.ts";

export interface Frequent {
  readonly tokens: readonly number[];
  readonly weight: number;
}

/** The `most` heaviest beginnings of `length` tokens, of equally heavy ones the lowest: one pass over all sequences. */
export function mostFrequent(sequences: SortedSequences, length: number, most: number): Frequent[] {
  const best: { index: number; weight: number }[] = [];
  for (let from = 0; from < sequences.size; ) {
    let to = from + 1;
    while (to < sequences.size && agree(sequences, from, to, length)) to++;
    const weight = sequences.weightBefore(to) - sequences.weightBefore(from);
    const isHeavy = best.length < most || weight > best[best.length - 1].weight;
    if (isHeavy && !beginning(sequences, from, length).includes(sequences.end)) {
      let at = best.length;
      while (at > 0 && best[at - 1].weight < weight) at--;
      best.splice(at, 0, { index: from, weight });
      if (best.length > most) best.pop();
    }
    from = to;
  }
  return best.map(({ index, weight }) => ({ tokens: beginning(sequences, index, length), weight }));
}

function beginning(sequences: SortedSequences, index: number, length: number): number[] {
  return Array.from({ length }, (_, depth) => sequences.token(index, depth));
}

function agree(sequences: SortedSequences, a: number, b: number, length: number): boolean {
  for (let depth = 0; depth < length; depth++) {
    const token = sequences.token(a, depth);
    if (token !== sequences.token(b, depth)) return false;
    if (token === sequences.end) return true;
  }
  return true;
}
