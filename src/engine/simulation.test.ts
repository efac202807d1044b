// Seeds of the engine's scheduling: 10,000, or DRAFTWRIGHT_SEEDS of them. DRAFTWRIGHT_SEED=n runs one, to look at what it does.
import { describe, expect, test } from "vitest";
import { GenerationTask } from "./generation-task.ts";
import { PrefixCache } from "./prefix-cache.ts";
import { Scheduler } from "./scheduler.ts";
import { type Parts, simulate } from "./testing/simulation.ts";

const only = process.env.DRAFTWRIGHT_SEED;
const seeds =
  only === undefined
    ? Array.from({ length: Number(process.env.DRAFTWRIGHT_SEEDS ?? 10_000) }, (_, i) => i)
    : [Number(only)];

test("nobody starves, no row leaks, no token is lost, mixed or doubled", () => {
  for (const seed of seeds) simulate(seed);
}, 600_000);

test("a seed replays exactly", () => {
  for (const seed of seeds.slice(0, 50)) expect(simulate(seed), `seed ${seed}`).toBe(simulate(seed));
});

describe("planted bugs are caught", () => {
  const planted: Record<string, [Parts, RegExp]> = {
    "two texts get each other's tokens": [
      {
        round: (tasks, options) => {
          const swapped = [...tasks];
          if (tasks.length > 1) [swapped[0], swapped[1]] = [swapped[1], swapped[0]];
          return GenerationTask.round(swapped, options);
        },
      },
      /client/,
    ],
    "a round leaves a text out": [
      {
        round: (tasks, options) => {
          const some = tasks.length > 2 ? tasks.slice(1) : tasks;
          const left = tasks.length - some.length;
          return [...tasks.slice(0, left).map(() => ({ finished: true })), ...GenerationTask.round(some, options)];
        },
      },
      /never ends|knows nothing/,
    ],
    "rows of another prompt": [
      {
        cache: () =>
          new (class extends PrefixCache {
            override offer(scope: string, prompt: Int32Array, sequence: Parameters<PrefixCache["offer"]>[2]): void {
              super.offer(
                scope,
                prompt.map(() => 0),
                sequence,
              );
            }

            override adopt(scope: string, prompt: Int32Array, sequence: Parameters<PrefixCache["adopt"]>[2]): number {
              return super.adopt(
                scope,
                prompt.map(() => 0),
                sequence,
              );
            }
          })(),
      },
      /got/,
    ],
    "rows cross scopes": [
      {
        cache: () =>
          new (class extends PrefixCache {
            override offer(_: string, prompt: Int32Array, sequence: Parameters<PrefixCache["offer"]>[2]): void {
              super.offer("all", prompt, sequence);
            }

            override adopt(_: string, prompt: Int32Array, sequence: Parameters<PrefixCache["adopt"]>[2]): number {
              return super.adopt("all", prompt, sequence);
            }
          })(),
      },
      /of another scope/,
    ],
    "rows of a text that ended are neither kept nor freed": [
      {
        cache: () =>
          new (class extends PrefixCache {
            override keep(sequence: Parameters<PrefixCache["keep"]>[0]): boolean {
              this.forget(sequence);
              return true;
            }
          })(),
      },
      /held|leaked|fails|never/,
    ],
    "a client that leaves is served on": [
      {
        scheduler: (options) =>
          new (class extends Scheduler<GenerationTask> {
            override abort(): boolean {
              return true;
            }
          })(options),
      },
      /held|after its end/,
    ],
    "prompts are read before all rounds": [
      { scheduler: (options) => new Scheduler({ ...options, clock: () => 0 }) },
      /two chunks/,
    ],
  };
  test.each(Object.entries(planted))("%s", (_, [parts, message]) => {
    expect(() => {
      for (const seed of Array.from({ length: 300 }, (_, i) => i)) simulate(seed, parts);
    }).toThrow(message);
  });
});
