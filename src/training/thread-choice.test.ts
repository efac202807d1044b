import { expect, test } from "vitest";
import { ThreadChoice } from "./thread-choice.ts";

/** Steps of a machine that takes `cost(threads, now)` ms for one; how many were done in `ms`, by threads. */
function work(choice: ThreadChoice, ms: number, cost: (threads: number) => number) {
  const steps = { one: 0, all: 0, ms: 0 };
  while (steps.ms < ms) {
    const threads = choice.next();
    const took = cost(threads);
    choice.took(threads, took);
    steps.ms += took;
    steps[threads === 1 ? "one" : "all"]++;
  }
  return steps;
}

const crowded = () => false;
const idle = (threads: number) => (threads === 1 ? 100 : 60);
const busy = (threads: number) => (threads === 1 ? 110 : 6000);

test("an idle machine: all threads, but for a twentieth of the time", () => {
  const { one, all, ms } = work(new ThreadChoice(2, { crowded }), 100_000, idle);
  expect(all).toBeGreaterThan(1500);
  expect(one).toBeGreaterThan(10);
  expect(one * idle(1)).toBeLessThan(0.06 * ms);
});

test("a busy one: one thread after the first slow steps, at nearly its full speed", () => {
  const { one, all } = work(new ThreadChoice(2, { crowded }), 600_000, busy);
  expect(one).toBeGreaterThan(0.85 * (600_000 / busy(1)));
  expect(all).toBeLessThan(8);
});

test("it follows the machine both ways", () => {
  const choice = new ThreadChoice(4, { crowded });
  work(choice, 60_000, idle);
  const loaded = work(choice, 300_000, busy);
  expect(loaded.one).toBeGreaterThan(0.85 * (300_000 / busy(1)));
  work(choice, 150_000, idle);
  expect(choice.next()).toBe(4);
  const free = work(choice, 60_000, idle);
  expect(free.all).toBeGreaterThan(10 * free.one);
});

test("of one thread there is nothing to choose", () => {
  expect(work(new ThreadChoice(1, { crowded }), 10_000, idle)).toMatchObject({ one: 100, all: 0 });
});

test("where the system says that it is crowded, all threads are not tried; one is, always", () => {
  let load = true;
  const choice = new ThreadChoice(2, { crowded: (more) => load && more === 1 });
  expect(work(choice, 100_000, busy).all).toBe(0);
  load = false;
  expect(work(choice, 100_000, idle).all).toBeGreaterThan(1000);
  load = true;
  expect(work(choice, 100_000, busy).one).toBeGreaterThan(700);
});
