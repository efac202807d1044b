/**
 * Edges (state, token) -> state of an automaton over a large alphabet: open addressing over flat arrays, because a Map per
 * state would cost more memory than the text. The edges of one state are also linked, so that they can be copied.
 */
export class TransitionTable {
  private count = 0;
  private state = new Int32Array(256);
  private token = new Int32Array(256);
  private target = new Int32Array(256);
  /** Edge that leaves the same state and was added before, -1 = none. */
  private next = new Int32Array(256);
  private readonly first: number[] = [];
  /** Edge index + 1, 0 = free; always twice as many slots as edges fit. */
  private slots = new Int32Array(512);

  /** Target state, or -1. */
  get(state: number, token: number): number {
    const edge = this.slots[this.slot(state, token)] - 1;
    return edge < 0 ? -1 : this.target[edge];
  }

  set(state: number, token: number, target: number): void {
    const slot = this.slot(state, token);
    const edge = this.slots[slot] - 1;
    if (edge >= 0) {
      this.target[edge] = target;
      return;
    }
    const added = this.count++;
    this.slots[slot] = added + 1;
    this.state[added] = state;
    this.token[added] = token;
    this.target[added] = target;
    this.next[added] = this.first[state] ?? -1;
    this.first[state] = added;
    if (this.count === this.state.length) this.grow();
  }

  /** Gives `to` the edges of `from`. */
  copy(from: number, to: number): void {
    for (let edge = this.first[from] ?? -1; edge >= 0; edge = this.next[edge]) {
      this.set(to, this.token[edge], this.target[edge]);
    }
  }

  private slot(state: number, token: number): number {
    const mask = this.slots.length - 1;
    const mixed = Math.imul(state, 0x9e3779b1) ^ Math.imul(token, 0x85ebca6b);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    while (this.slots[slot] !== 0) {
      const edge = this.slots[slot] - 1;
      if (this.state[edge] === state && this.token[edge] === token) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const doubled = (array: Int32Array) => {
      const larger = new Int32Array(array.length * 2);
      larger.set(array);
      return larger;
    };
    this.state = doubled(this.state);
    this.token = doubled(this.token);
    this.target = doubled(this.target);
    this.next = doubled(this.next);
    this.slots = new Int32Array(this.state.length * 2);
    for (let edge = 0; edge < this.count; edge++) this.slots[this.slot(this.state[edge], this.token[edge])] = edge + 1;
  }
}
