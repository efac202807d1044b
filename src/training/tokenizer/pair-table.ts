/** Adjacent symbols with their counts and the words they stand in. A pair keeps its slot for ever; slots rise with time. */
export class PairTable {
  size = 0;
  left = new Int32Array(1024);
  right = new Int32Array(1024);
  counts = new Float64Array(1024);
  /** Last node of the slot's list of words; -1: none. */
  #lists = new Int32Array(1024);
  /** Open addressing; slot + 1, 0 where free. */
  #index = new Int32Array(4096);
  #words = new Int32Array(1024);
  #next = new Int32Array(1024);
  #nodes = 0;
  #free = -1;

  /** `count` more (or less) of a pair, in a word. */
  add(left: number, right: number, count: number, word: number): void {
    const slot = this.#slot(left, right);
    this.counts[slot] += count;
    if (count < 0) return;
    const last = this.#lists[slot];
    if (last >= 0 && this.#words[last] === word) return;
    this.#lists[slot] = this.#node(word, last);
  }

  /** Takes the list of a pair's words. Some may no longer hold it. */
  takeWords(slot: number): number[] {
    const words: number[] = [];
    for (let node = this.#lists[slot]; node >= 0; ) {
      words.push(this.#words[node]);
      const next = this.#next[node];
      this.#next[node] = this.#free;
      this.#free = node;
      node = next;
    }
    this.#lists[slot] = -1;
    return words;
  }

  #slot(left: number, right: number): number {
    const mask = this.#index.length - 1;
    let at = hash(left, right) & mask;
    for (let slot = this.#index[at] - 1; slot >= 0; slot = this.#index[at] - 1) {
      if (this.left[slot] === left && this.right[slot] === right) return slot;
      at = (at + 1) & mask;
    }
    if (this.size === this.left.length) return this.#grow(left, right);
    const slot = this.size++;
    this.left[slot] = left;
    this.right[slot] = right;
    this.#lists[slot] = -1;
    this.#index[at] = slot + 1;
    return slot;
  }

  #grow(left: number, right: number): number {
    this.left = doubled(this.left);
    this.right = doubled(this.right);
    this.counts = doubled(this.counts);
    this.#lists = doubled(this.#lists);
    this.#index = new Int32Array(2 * this.#index.length);
    const mask = this.#index.length - 1;
    for (let slot = 0; slot < this.size; slot++) {
      let at = hash(this.left[slot], this.right[slot]) & mask;
      while (this.#index[at] !== 0) at = (at + 1) & mask;
      this.#index[at] = slot + 1;
    }
    return this.#slot(left, right);
  }

  #node(word: number, next: number): number {
    let node = this.#free;
    if (node >= 0) this.#free = this.#next[node];
    else node = this.#nodes++;
    if (node === this.#words.length) {
      this.#words = doubled(this.#words);
      this.#next = doubled(this.#next);
    }
    this.#words[node] = word;
    this.#next[node] = next;
    return node;
  }
}

function hash(left: number, right: number): number {
  const mixed = Math.imul(left ^ Math.imul(right, 0x9e3779b1), 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

function doubled<T extends Int32Array | Float64Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(2 * array.length);
  larger.set(array);
  return larger;
}
