// Persistent compute threads. Without a pool every graph would create and join its threads, which a 2 ms model feels.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { DraftwrightError } from "../errors.ts";
import { backendFunction, native, type Pointer, prototypes } from "./native.ts";

export interface ThreadOptions {
  /** Compute threads; default: the cores this process may use. */
  threads?: number;
  /** Cores the threads are bound to; default: unbound. */
  cores?: readonly number[];
  /**
   * How long idle threads spin before they sleep, 0..100. Default 50, ggml's own. Spinning threads starve on a busy
   * machine.
   */
  poll?: number;
}

/** Numbers of the cores this process may use, where the system says (Linux); else 0, 1, .. */
export function usableCores(): number[] {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
    const cores = list.split(",").flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
    if (cores.length > 0 && cores.every(Number.isInteger)) return cores;
  } catch {
    // Not Linux.
  }
  return Array.from({ length: availableParallelism() }, (_, i) => i);
}

const MAX_THREADS = 512;
const POOL_PARAMS_BYTES = 544;
// Offsets in ggml_threadpool_params: bool cpumask[512], int n_threads, int prio, uint32 poll, bool strict, bool paused.
const POOL_POLL = 520;
const POOL_STRICT = 524;

/** Pools in use, by what they were asked to be. */
const shared = new Map<string, ThreadPool>();

/** A pool of compute threads of the CPU device. Dispose it after the back end that uses it. */
export class ThreadPool {
  readonly threads: number;
  /** @internal */
  readonly pointer: Pointer;
  #device: Pointer;
  #users = 1;
  #key: string | undefined;

  /**
   * @internal One pool for all who ask for the same: models that take turns must not find each other's idle threads
   * spinning on their cores. Everyone disposes of it once; the last one ends it.
   */
  static share(device: Pointer, options: ThreadOptions = {}): ThreadPool {
    const key = JSON.stringify([String(device), options.threads, options.cores, options.poll]);
    const found = shared.get(key);
    if (found) {
      found.#users++;
      return found;
    }
    const pool = new ThreadPool(device, options);
    pool.#key = key;
    shared.set(key, pool);
    return pool;
  }

  /** @internal Throws `bad-argument` before anything native is called. */
  constructor(device: Pointer, options: ThreadOptions = {}) {
    const threads = options.threads ?? Math.min(availableParallelism(), MAX_THREADS);
    if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
      throw new DraftwrightError("bad-argument", `threads must be an integer from 1 to ${MAX_THREADS}, not ${threads}`);
    }
    for (const core of options.cores ?? []) {
      if (!Number.isInteger(core) || core < 0 || core >= MAX_THREADS) {
        throw new DraftwrightError(
          "bad-argument",
          `cores must be core numbers from 0 to ${MAX_THREADS - 1}, not ${core}`,
        );
      }
    }
    const poll = options.poll ?? 50;
    if (!Number.isInteger(poll) || poll < 0 || poll > 100) {
      throw new DraftwrightError("bad-argument", `poll must be an integer from 0 to 100, not ${poll}`);
    }
    const params = new Uint8Array(POOL_PARAMS_BYTES);
    native().threadpoolParams(params, threads);
    for (const core of options.cores ?? []) params[core] = 1;
    new DataView(params.buffer).setUint32(POOL_POLL, poll, true);
    params[POOL_STRICT] = options.cores?.length ? 1 : 0;
    const create = requireFunction<(p: Uint8Array) => Pointer | null>(device, "ggml_threadpool_new", "threadpoolNew");
    const pointer = create(params);
    if (!pointer) throw new DraftwrightError("native-failed", `could not start ${threads} compute threads`);
    this.threads = threads;
    this.pointer = pointer;
    this.#device = device;
  }

  [Symbol.dispose](): void {
    if (--this.#users !== 0) return;
    if (this.#key !== undefined) shared.delete(this.#key);
    requireFunction<(p: Pointer) => void>(this.#device, "ggml_threadpool_free", "threadpoolFree")(this.pointer);
  }
}

/** @internal A function the CPU back end must have. */
export function requireFunction<F>(device: Pointer, name: string, prototype: keyof typeof prototypes): F {
  const found = backendFunction<F>(device, name, prototypes[prototype]);
  if (!found) throw new DraftwrightError("native-failed", `this ggml build has no ${name}; use llama.cpp v0.5.0`);
  return found;
}
