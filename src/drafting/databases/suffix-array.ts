/**
 * Start positions of the suffixes of `text` in ascending order (a suffix sorts before those it is a prefix of). Values are
 * 0 .. alphabet - 1. Time and memory are linear: 10 bytes a token at most, beside text and result.
 * Source: Nong, Zhang and Chan 2009 (SA-IS), without a sentinel.
 */
export function suffixArray(text: Int32Array, alphabet: number): Int32Array {
  const n = text.length;
  const order = new Int32Array(n);
  if (n < 2) return order;
  // A suffix is rising when it sorts before the one that starts a position later.
  const rising = new Uint8Array(n);
  for (let i = n - 2; i >= 0; i--) {
    rising[i] = text[i] < text[i + 1] || (text[i] === text[i + 1] && rising[i + 1] === 1) ? 1 : 0;
  }
  const buckets = new Buckets(text, rising, alphabet);
  const valleys = valleysOf(rising);
  if (valleys.length === 0) {
    buckets.induce(valleys, order);
    return order;
  }
  buckets.induce(valleys, order);
  buckets.induce(sortValleys(text, rising, valleys, order), order);
  return order;
}

/** Where rising suffixes begin after falling ones. The order of these decides that of all others. */
function valleysOf(rising: Uint8Array): Int32Array {
  let count = 0;
  for (let i = 1; i < rising.length; i++) if (rising[i] > rising[i - 1]) count++;
  const valleys = new Int32Array(count);
  for (let i = rising.length - 1; i > 0; i--) if (rising[i] > rising[i - 1]) valleys[--count] = i;
  return valleys;
}

/** The valleys in the order of their suffixes. `order`: all suffixes, sorted as far as the next valley; not kept. */
function sortValleys(text: Int32Array, rising: Uint8Array, valleys: Int32Array, order: Int32Array): Int32Array {
  const n = text.length;
  const count = valleys.length;
  // Valleys lie two positions apart at least, so half a position names one.
  const name = new Int32Array((n >> 1) + 1);
  const next = new Int32Array((n >> 1) + 1);
  for (let i = 0; i < count; i++) next[valleys[i] >> 1] = i + 1 < count ? valleys[i + 1] : n;
  let names = 0;
  let before = -1;
  for (let i = 0; i < n; i++) {
    const at = order[i];
    if (at === 0 || rising[at] <= rising[at - 1]) continue;
    if (before < 0 || !sameStretch(text, before, next[before >> 1], at, next[at >> 1])) names++;
    name[at >> 1] = names - 1;
    before = at;
  }
  const reduced = new Int32Array(count);
  for (let i = 0; i < count; i++) reduced[i] = name[valleys[i] >> 1];
  if (names === count) {
    const sorted = new Int32Array(count);
    for (let i = 0; i < count; i++) sorted[reduced[i]] = valleys[i];
    return sorted;
  }
  const sorted = suffixArray(reduced, names);
  for (let i = 0; i < count; i++) sorted[i] = valleys[sorted[i]];
  return sorted;
}

/** Whether two stretches, each from a valley to the next one inclusive, hold the same values. */
function sameStretch(text: Int32Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b || aEnd === text.length || bEnd === text.length) return false;
  for (let i = 0; a + i <= aEnd; i++) if (text[a + i] !== text[b + i]) return false;
  return true;
}

/** The suffixes by their first value; in each bucket the falling ones stand before the rising ones. */
class Buckets {
  private readonly text: Int32Array;
  private readonly rising: Uint8Array;
  /** First place of each bucket, and of its rising part. */
  private readonly start: Int32Array;
  private readonly middle: Int32Array;

  constructor(text: Int32Array, rising: Uint8Array, alphabet: number) {
    this.text = text;
    this.rising = rising;
    this.start = new Int32Array(alphabet + 1);
    this.middle = new Int32Array(alphabet + 1);
    for (let i = 0; i < text.length; i++) {
      this.start[text[i] + 1]++;
      if (rising[i] === 0) this.middle[text[i]]++;
    }
    for (let value = 0; value < alphabet; value++) {
      this.start[value + 1] += this.start[value];
      this.middle[value] += this.start[value];
    }
    this.middle[alphabet] = this.start[alphabet];
  }

  /** Writes all suffixes to `order`, sorted as the valleys are: falling ones from the left, rising ones from the right. */
  induce(valleys: Int32Array, order: Int32Array): void {
    const { text, rising } = this;
    const n = text.length;
    order.fill(-1);
    const free = this.middle.slice();
    for (let i = 0; i < valleys.length; i++) order[free[text[valleys[i]]]++] = valleys[i];
    free.set(this.start);
    order[free[text[n - 1]]++] = n - 1;
    for (let i = 0; i < n; i++) {
      const at = order[i] - 1;
      if (at >= 0 && rising[at] === 0) order[free[text[at]]++] = at;
    }
    free.set(this.start);
    for (let i = n - 1; i >= 0; i--) {
      const at = order[i] - 1;
      if (at >= 0 && rising[at] === 1) order[--free[text[at] + 1]] = at;
    }
  }
}
