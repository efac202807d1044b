import type { Sequence } from "../lm/model.ts";
import { readAlike, sharedLength, sharedRows } from "./prompt-chunks.ts";

/** Rows of a prompt that a sequence holds, written by prefill. */
interface Entry {
  readonly scope: string;
  readonly prompt: Int32Array;
  readonly sequence: Sequence;
  rows: number;
  /** Nobody runs on it: it may be dropped. */
  idle: boolean;
  used: number;
}

/**
 * Rows of earlier prompts, for prompts that begin alike. Only rows that prefill wrote are shared: these have the bits that a
 * cold run would compute, which rows written by rounds need not have. Nothing is found across scopes. Rows of running texts can be copied too; those of ended ones stay until their
 * room is wanted, the longest unused first.
 */
export class PrefixCache {
  readonly #entries = new Set<Entry>();
  #now = 0;

  /** KV rows that only wait to be used again. */
  get idleRows(): number {
    let rows = 0;
    for (const entry of this.#entries) if (entry.idle) rows += entry.sequence.capacity;
    return rows;
  }

  /** Copies the longest known beginning of a prompt into an empty sequence, never all of it; returns its rows. */
  adopt(scope: string, prompt: Int32Array, sequence: Sequence): number {
    let found: Entry | undefined;
    let most = 0;
    for (const entry of this.#entries) {
      if (entry.scope !== scope || entry.rows <= most) continue;
      const rows = sharedRows(entry.prompt, entry.rows, prompt);
      if (rows <= most) continue;
      most = rows;
      found = entry;
    }
    if (!found) return 0;
    found.used = ++this.#now;
    sequence.copyPrefix(found.sequence, most);
    return most;
  }

  /** A running text has prefilled its sequence so far; call it again as it goes on. */
  offer(scope: string, prompt: Int32Array, sequence: Sequence): void {
    const rows = Math.min(sequence.length, prompt.length - 1);
    if (rows === 0) return;
    const known = this.#of(sequence);
    if (known) known.rows = rows;
    else this.#entries.add({ scope, prompt, sequence, rows, idle: false, used: ++this.#now });
  }

  /** The text on this sequence has ended. True when the cache keeps the sequence, which is no longer the caller's then. */
  keep(sequence: Sequence): boolean {
    const entry = this.#of(sequence);
    if (!entry) return false;
    const covers = (one: Entry, other: Entry) =>
      one.scope === other.scope &&
      one.rows >= other.rows &&
      readAlike(one.prompt, other.prompt) &&
      sharedLength(one.prompt, other.prompt) >= other.rows;
    for (const other of this.#entries) {
      if (other === entry) continue;
      if (covers(other, entry)) {
        this.#entries.delete(entry);
        return false;
      }
      if (other.idle && covers(entry, other)) this.#drop(other);
    }
    sequence.truncate(entry.rows);
    sequence.shrink();
    entry.idle = true;
    entry.used = ++this.#now;
    return true;
  }

  /** The rows of this sequence cannot be trusted, or it closes. */
  forget(sequence: Sequence): void {
    const entry = this.#of(sequence);
    if (entry) this.#entries.delete(entry);
  }

  /** Gives the room of the longest unused rows back. False when none is idle. */
  evict(): boolean {
    let oldest: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.idle && (!oldest || entry.used < oldest.used)) oldest = entry;
    }
    if (oldest) this.#drop(oldest);
    return oldest !== undefined;
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry);
    entry.sequence.close();
  }

  #of(sequence: Sequence): Entry | undefined {
    for (const entry of this.#entries) if (entry.sequence === sequence) return entry;
    return undefined;
  }
}
