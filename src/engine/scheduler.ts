/** Something that needs room (KV rows) while it runs. No method is called after `close`. */
export interface Task {
  /** Whose it is: scopes get equal numbers of places. */
  readonly scope: string;
  /** Rows it has to read by itself, in steps; with none left it takes part in the rounds. Known once it has started. */
  readonly rowsLeft: number;
  /** Takes what it needs to run. False: no room at the moment, nothing was taken. */
  start(): boolean;
  /** Reads one chunk. True when it is finished. */
  step(): boolean;
  /** Gives everything back. */
  close(): void;
  /** It threw, or could not start although nothing else runs. `close` follows when it had started. */
  fail(error: unknown): void;
}

/** What became of a task in a round: whether it is finished, or what it threw. */
export type Turn = { readonly finished: boolean } | { readonly error: unknown };

export interface SchedulerOptions<T extends Task> {
  /** One round of all these tasks. */
  readonly round: (tasks: readonly T[]) => readonly Turn[];
  /** Tasks that run at once, at most. */
  readonly parallel: number;
  /** Makes the error for a task that finds no room although it is alone. */
  readonly noRoom: () => unknown;
  /** Milliseconds. */
  readonly clock: () => number;
}

interface Running<T> {
  readonly task: T;
  /** Of those that read, the smallest is next. */
  readonly deadline: number;
}

/**
 * Shares one model between tasks. Tasks in rounds go on together; between rounds newcomers read their prompts, chunk by
 * chunk, for half of the time at most. Purely synchronous: whoever owns it calls `tick` until it is idle.
 *
 * A chunk is not put into the forward of a round: it would compute its rows with the arithmetic of rounds, and where it
 * stands would depend on who else is there. It would save little, too: a chunk of 128 rows keeps the processor as busy as
 * it can be.
 */
export class Scheduler<T extends Task> {
  readonly #options: SchedulerOptions<T>;
  readonly #running = new Map<number, Running<T>>();
  /** By scope, in the order of arrival. A scope without waiting tasks is not here. */
  readonly #waiting = new Map<string, Map<number, T>>();
  /** When a task of the scope last started. */
  readonly #started = new Map<string, number>();
  #starts = 0;
  /** False after a start found no room, until something closes. */
  #mayHaveRoom = true;
  /** Rows read so far, of all tasks. */
  #rowsRead = 0;
  /** Milliseconds that reading has taken from rounds and not yet given back. */
  #debtMs = 0;

  constructor(options: SchedulerOptions<T>) {
    this.#options = options;
  }

  get idle(): boolean {
    return this.#running.size === 0 && this.#waiting.size === 0;
  }

  submit(id: number, task: T): void {
    let queue = this.#waiting.get(task.scope);
    if (!queue) {
      queue = new Map();
      this.#waiting.set(task.scope, queue);
    }
    queue.set(id, task);
  }

  /** Ends a task at once, without `fail`. False when it is not here (any more). */
  abort(id: number): boolean {
    for (const queue of this.#waiting.values()) {
      const task = queue.get(id);
      if (!task) continue;
      this.#leave(id, task);
      return true;
    }
    const running = this.#running.get(id);
    if (!running) return false;
    this.#close(id, running.task);
    return true;
  }

  abortAll(): void {
    for (const queue of [...this.#waiting.values()]) for (const id of [...queue.keys()]) this.abort(id);
    for (const id of [...this.#running.keys()]) this.abort(id);
  }

  /** Starts what can be started, then runs a chunk of one task or a round of all that have read their prompts. */
  tick(): void {
    this.#admit();
    let reader: [number, Running<T>] | undefined;
    const round: [number, Running<T>][] = [];
    for (const entry of this.#running) {
      if (entry[1].task.rowsLeft === 0) round.push(entry);
      else if (!reader || entry[1].deadline < reader[1].deadline) reader = entry;
    }
    const started = this.#options.clock();
    if (reader && (round.length === 0 || this.#debtMs <= 0)) {
      this.#read(...reader);
      this.#debtMs = round.length === 0 ? 0 : this.#debtMs + this.#options.clock() - started;
    } else if (round.length > 0) {
      this.#round(round);
      this.#debtMs = reader ? Math.max(0, this.#debtMs - (this.#options.clock() - started)) : 0;
    }
  }

  #read(id: number, { task }: Running<T>): void {
    const before = task.rowsLeft;
    try {
      const finished = task.step();
      this.#rowsRead += Math.max(0, before - task.rowsLeft);
      if (finished) this.#close(id, task);
    } catch (error) {
      this.#fail(id, task, error);
    }
  }

  #round(entries: readonly [number, Running<T>][]): void {
    const turns = this.#options.round(entries.map(([, { task }]) => task));
    entries.forEach(([id, { task }], i) => {
      const turn = turns[i];
      if ("error" in turn) this.#fail(id, task, turn.error);
      else if (turn.finished) this.#close(id, task);
    });
  }

  /** The scope with the fewest running tasks is next; among these the one that has waited longest since its last start. */
  #admit(): void {
    while (this.#mayHaveRoom && this.#running.size < this.#options.parallel && this.#waiting.size > 0) {
      const counts = new Map<string, number>();
      for (const { task } of this.#running.values()) counts.set(task.scope, (counts.get(task.scope) ?? 0) + 1);
      let next = "";
      let best = [Number.POSITIVE_INFINITY, 0];
      for (const scope of this.#waiting.keys()) {
        const rank = [counts.get(scope) ?? 0, this.#started.get(scope) ?? 0];
        if (rank[0] > best[0] || (rank[0] === best[0] && rank[1] >= best[1])) continue;
        next = scope;
        best = rank;
      }
      const [[id, task]] = this.#waiting.get(next) as Map<number, T>;
      this.#start(id, task);
    }
  }

  #start(id: number, task: T): void {
    let started: boolean;
    try {
      started = task.start();
    } catch (error) {
      this.#leave(id, task);
      task.fail(error);
      return;
    }
    if (started) {
      this.#leave(id, task);
      this.#started.set(task.scope, ++this.#starts);
      // Short prompts go first, but each row that others read brings a long one nearer to its turn.
      this.#running.set(id, { task, deadline: this.#rowsRead + task.rowsLeft });
    } else if (this.#running.size === 0) {
      this.#leave(id, task);
      task.fail(this.#options.noRoom());
    } else {
      this.#mayHaveRoom = false;
    }
  }

  #leave(id: number, { scope }: T): void {
    const queue = this.#waiting.get(scope);
    queue?.delete(id);
    if (queue?.size === 0) this.#waiting.delete(scope);
  }

  #fail(id: number, task: T, error: unknown): void {
    task.fail(error);
    this.#close(id, task);
  }

  #close(id: number, task: T): void {
    this.#running.delete(id);
    this.#mayHaveRoom = true;
    if (this.#running.size === 0 && this.#waiting.size === 0) this.#started.clear();
    task.close();
  }
}
