import { describe, expect, test } from "vitest";
import { Scheduler, type Task, type Turn } from "./scheduler.ts";

/** Tasks that share `room` and write down what happens to them. */
function setup(room: number) {
  const log: string[] = [];
  const round = (tasks: readonly Task[]): Turn[] =>
    tasks.map((one) => {
      try {
        return { finished: one.step() };
      } catch (error) {
        return { error };
      }
    });
  const scheduler = new Scheduler({ round, parallel: 8, noRoom: () => new Error("no room"), clock: () => 0 });
  const task = (name: string, steps: number, size = 1, failAt = -1): Task => {
    let left = steps;
    return {
      scope: "",
      rowsLeft: 0,
      start() {
        if (size > room) return false;
        room -= size;
        log.push(`${name} starts`);
        return true;
      },
      step() {
        if (left === failAt) throw new Error("broken");
        log.push(name);
        return --left === 0;
      },
      close() {
        room += size;
        log.push(`${name} closes`);
      },
      fail(error) {
        log.push(`${name} fails: ${(error as Error).message}`);
      },
    };
  };
  const run = () => {
    while (!scheduler.idle) scheduler.tick();
  };
  return { log, scheduler, task, run, room: () => room };
}

describe("Scheduler", () => {
  test("gives every running task one step in turn", () => {
    const { log, scheduler, task, run } = setup(3);
    scheduler.submit(1, task("a", 3));
    scheduler.submit(2, task("b", 1));
    scheduler.submit(3, task("c", 2));
    run();
    expect(log.filter((line) => !line.includes(" "))).toEqual(["a", "b", "c", "a", "c", "a"]);
  });

  test("starts waiting tasks in order of arrival, a small one does not overtake", () => {
    const { log, scheduler, task, run } = setup(2);
    scheduler.submit(1, task("a", 2));
    scheduler.submit(2, task("big", 1, 2));
    scheduler.submit(3, task("small", 1));
    run();
    expect(log.filter((line) => line.endsWith("starts"))).toEqual(["a starts", "big starts", "small starts"]);
    expect(log.indexOf("big starts")).toBeGreaterThan(log.indexOf("a closes"));
  });

  test("abort gives room back at once", () => {
    const { log, scheduler, task, run, room } = setup(1);
    scheduler.submit(1, task("a", 100));
    scheduler.submit(2, task("b", 1));
    scheduler.submit(3, task("c", 1));
    scheduler.tick();
    expect([scheduler.abort(1), scheduler.abort(3), scheduler.abort(9)]).toEqual([true, true, false]);
    expect(room()).toBe(1);
    run();
    expect(log).toEqual(["a starts", "a", "a closes", "b starts", "b", "b closes"]);
  });

  test("an error ends one task and no other", () => {
    const { log, scheduler, task, run, room } = setup(2);
    scheduler.submit(1, task("a", 3, 1, 2));
    scheduler.submit(2, task("b", 3));
    run();
    expect(log).toContain("a fails: broken");
    expect(log).toContain("a closes");
    expect(log.filter((line) => line === "b")).toHaveLength(3);
    expect(room()).toBe(2);
  });

  test("a task that can never have room fails instead of waiting for ever", () => {
    const { log, scheduler, task, run } = setup(1);
    scheduler.submit(1, task("huge", 1, 5));
    scheduler.submit(2, task("b", 1));
    run();
    expect(log).toEqual(["huge fails: no room", "b starts", "b", "b closes"]);
  });

  test("abortAll leaves it idle", () => {
    const { scheduler, task, room } = setup(1);
    scheduler.submit(1, task("a", 100));
    scheduler.submit(2, task("b", 100));
    scheduler.tick();
    scheduler.abortAll();
    expect([scheduler.idle, room()]).toEqual([true, 1]);
  });
});
