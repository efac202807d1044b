/** Control words before the data: integers ever written and ever read, both modulo 2^32. */
const controlWords = 2;
/** To be woken takes longer than a small model's forward: readers have cores of their own, and look on for a while. */
const spinMs = 0.3;

/**
 * A queue of integer messages in shared memory, for one writer and one reader on two threads. No locks: each side moves
 * its own cursor, and a message is seen whole or not at all.
 */
export class Mailbox {
  readonly buffer: SharedArrayBuffer;
  readonly #control: Int32Array;
  readonly #data: Int32Array;

  /** Memory for messages of `words` integers in all; a power of two. */
  static allocate(words = 2 ** 16): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * (controlWords + words));
  }

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#control = new Int32Array(buffer, 0, controlWords);
    this.#data = new Int32Array(buffer, 4 * controlWords);
  }

  /** False when there is no room: the reader is behind. */
  post(message: ArrayLike<number>): boolean {
    const written = this.#control[0];
    const used = (written - Atomics.load(this.#control, 1)) | 0;
    if (used + message.length + 1 > this.#data.length) return false;
    this.#set(written, message.length);
    for (let i = 0; i < message.length; i++) this.#set(written + 1 + i, message[i]);
    Atomics.store(this.#control, 0, (written + 1 + message.length) | 0);
    Atomics.notify(this.#control, 0);
    return true;
  }

  take(): Int32Array | undefined {
    const read = this.#control[1];
    if (Atomics.load(this.#control, 0) === read) return undefined;
    const length = this.#get(read);
    const message = new Int32Array(length);
    for (let i = 0; i < length; i++) message[i] = this.#get(read + 1 + i);
    Atomics.store(this.#control, 1, (read + 1 + length) | 0);
    return message;
  }

  /** Blocks the reader's thread until there is a message, at most `milliseconds`. */
  wait(milliseconds = Number.POSITIVE_INFINITY): void {
    const read = this.#control[1];
    const end = performance.now() + Math.min(milliseconds, spinMs);
    while (Atomics.load(this.#control, 0) === read) {
      const now = performance.now();
      if (now >= end) {
        if (milliseconds > spinMs) Atomics.wait(this.#control, 0, read, milliseconds - spinMs);
        return;
      }
    }
  }

  #set(at: number, value: number): void {
    this.#data[(at >>> 0) & (this.#data.length - 1)] = value;
  }

  #get(at: number): number {
    return this.#data[(at >>> 0) & (this.#data.length - 1)];
  }
}
