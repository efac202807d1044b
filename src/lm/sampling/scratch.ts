// Work memory, one set per vocabulary size for all samplers of a thread: calls are synchronous and never nest, and a
// hundred requests must not hold a hundred copies for a vocabulary of 262,144 tokens.

export interface Scratch {
  /** Logits after bias and penalties, before the filters. */
  readonly adjusted: Float32Array;
  /** The tokens still possible, ascending ids, and their logits. */
  readonly ids: Int32Array;
  readonly values: Float32Array;
  /** Unnormalised probability of each of them. */
  readonly weights: Float64Array;
  /** Logits of the one bin that is sorted. */
  readonly edge: Float32Array;
}

const bySize = new Map<number, Scratch>();

/** Arrays of exactly `vocabSize` entries, valid until the next call for the same size. */
export function scratch(vocabSize: number): Scratch {
  let work = bySize.get(vocabSize);
  if (work === undefined) {
    work = allocate(vocabSize);
    bySize.set(vocabSize, work);
  }
  return work;
}

function allocate(size: number): Scratch {
  return {
    adjusted: new Float32Array(size),
    ids: new Int32Array(size),
    values: new Float32Array(size),
    weights: new Float64Array(size),
    edge: new Float32Array(size),
  };
}
