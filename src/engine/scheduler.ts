/** Something that runs in small steps and needs room (KV rows) while it runs. No method is called after `close`. */
export interface Task {
  /** Takes what it needs to run. False: no room at the moment, nothing was taken. */
  start(): boolean;
  /** One prefill chunk or one round. True when it is finished. */
  step(): boolean;
  /** Gives everything back. */
  close(): void;
  /** It threw, or could not start although nothing else runs. `close` follows when it had started. */
  fail(error: unknown): void;
}

/**
 * Shares one model between tasks: every running task gets one step in turn, and waiting tasks start in the order of their
 * arrival as room is given back. Purely synchronous: whoever owns it calls `tick` until it is idle.
 */
export class Scheduler {
  readonly #noRoom: () => unknown;
  /** Insertion order is turn order: the task that had its step goes to the end. */
  readonly #running = new Map<number, Task>();
  readonly #waiting = new Map<number, Task>();
  /** False after a start found no room, until something closes. */
  #mayHaveRoom = true;

  /** `noRoom` makes the error for a task that finds no room although it is alone. */
  constructor(noRoom: () => unknown) {
    this.#noRoom = noRoom;
  }

  get idle(): boolean {
    return this.#running.size === 0 && this.#waiting.size === 0;
  }

  submit(id: number, task: Task): void {
    this.#waiting.set(id, task);
  }

  /** Ends a task at once, without `fail`. False when it is not here (any more). */
  abort(id: number): boolean {
    if (this.#waiting.delete(id)) return true;
    const task = this.#running.get(id);
    if (!task) return false;
    this.#close(id, task);
    return true;
  }

  abortAll(): void {
    for (const id of [...this.#waiting.keys(), ...this.#running.keys()]) this.abort(id);
  }

  /** Starts what can be started, then gives the next running task one step. */
  tick(): void {
    this.#admit();
    const next = this.#running.entries().next();
    if (next.done) return;
    const [id, task] = next.value;
    this.#running.delete(id);
    this.#running.set(id, task);
    let finished: boolean;
    try {
      finished = task.step();
    } catch (error) {
      finished = true;
      task.fail(error);
    }
    if (finished) this.#close(id, task);
  }

  #admit(): void {
    for (const [id, task] of this.#waiting) {
      if (!this.#mayHaveRoom) return;
      let started: boolean;
      try {
        started = task.start();
      } catch (error) {
        this.#waiting.delete(id);
        task.fail(error);
        continue;
      }
      if (started) {
        this.#waiting.delete(id);
        this.#running.set(id, task);
      } else if (this.#running.size === 0) {
        this.#waiting.delete(id);
        task.fail(this.#noRoom());
      } else {
        this.#mayHaveRoom = false;
      }
    }
  }

  #close(id: number, task: Task): void {
    this.#running.delete(id);
    this.#mayHaveRoom = true;
    task.close();
  }
}
