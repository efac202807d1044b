/** Weighted token sequences in ascending order: what both kinds of database are looked up as. */
export interface SortedSequences {
  readonly size: number;
  /** Token of sequence `index`, 0 .. size - 1, at `depth`; `end` where the sequence is over. */
  token(index: number, depth: number): number;
  /** Above every token id. */
  readonly end: number;
  /** Weight of all sequences before `index`, 0 .. size. */
  weightBefore(index: number): number;
  /** The sequence in which a weight falls: weightBefore(i) <= weight < weightBefore(i + 1). */
  indexAt(weight: number): number;
  /** The sequences that begin with `token`. */
  startingWith(token: number): Span;
}

/** Neighbouring sequences: from .. to - 1. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export function weightOf(sequences: SortedSequences, { from, to }: Span): number {
  return sequences.weightBefore(to) - sequences.weightBefore(from);
}

/** The sequences that begin with tokens[start .. start + length - 1]; empty when there are none. Binary search. */
export function findKey(sequences: SortedSequences, tokens: ArrayLike<number>, start: number, length: number): Span {
  let span = sequences.startingWith(tokens[start]);
  for (let depth = 1; depth < length && span.from < span.to; depth++) {
    const token = tokens[start + depth];
    const from = firstNotBelow(sequences, span.from, span.to, depth, token);
    span = { from, to: firstNotBelow(sequences, from, span.to, depth, token + 1) };
  }
  return span;
}

/** First sequence of from .. to - 1 whose token at `depth` is `token` or higher; they share what comes before. */
function firstNotBelow(sequences: SortedSequences, from: number, to: number, depth: number, token: number): number {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sequences.token(middle, depth) < token) from = middle + 1;
    else to = middle;
  }
  return from;
}

/**
 * The tokens at `depth` of sequences that share everything before, each with its span, ascending. A token with less than a
 * `resolution`-th of the weight may be left out: then the time depends on `resolution` alone, not on how many there are.
 */
export function* followers(
  sequences: SortedSequences,
  { from, to }: Span,
  depth: number,
  resolution: number,
): Generator<{ token: number; span: Span }> {
  const stride = Math.max(1, Math.floor((sequences.weightBefore(to) - sequences.weightBefore(from)) / resolution));
  for (let at = from; at < to; ) {
    // No token that begins here or later and has the weight of a stride can lie before the probe.
    const probe = stride === 1 ? at : sequences.indexAt(sequences.weightBefore(at) + stride - 1);
    if (probe >= to) return;
    const token = sequences.token(probe, depth);
    if (token === sequences.end) return;
    const first = probe === at ? at : firstNotBelow(sequences, at, probe, depth, token);
    // Spans are short as a rule: gallop, then search the last step.
    let low = probe + 1;
    for (let step = 1; low < to && sequences.token(Math.min(low + step, to) - 1, depth) === token; step *= 2) {
      low = Math.min(low + step, to);
    }
    const high = firstNotBelow(sequences, low, to, depth, token + 1);
    yield { token, span: { from: first, to: high } };
    at = high;
  }
}
