import { expect, test } from "vitest";
import { Guard } from "./guard.ts";

/** Plain rounds until drafting is allowed again. */
function pauseOf(guard: Guard): number {
  let rounds = 0;
  for (; guard.reason; rounds++) guard.settle(false, 1, 10, 10, 10);
  return rounds;
}
const drafted = (guard: Guard, rounds: number, emitted: number, ms: number) => {
  for (let i = 0; i < rounds && !guard.reason; i++) guard.settle(true, emitted, ms, ms, 10);
};

test("drafting that loses is paused, ever longer, and given another chance", () => {
  const guard = new Guard();
  drafted(guard, 7, 1, 20);
  expect(guard.reason).toBeNull();
  drafted(guard, 1, 1, 20);
  expect(guard.reason).toBe("slower-than-plain");
  const pauses = [pauseOf(guard)];
  while (pauses.length < 8) {
    drafted(guard, 4, 1, 20);
    expect(guard.reason).toBe("slower-than-plain");
    pauses.push(pauseOf(guard));
  }
  expect(pauses).toEqual([32, 64, 128, 256, 512, 1024, 1024, 1024]);
});

test("drafting that wins goes on, with a plain round now and then", () => {
  const guard = new Guard();
  drafted(guard, 63, 3, 20);
  expect(guard.reason).toBeNull();
  drafted(guard, 1, 3, 20);
  expect(guard.reason).toBe("plain-baseline");
  expect(pauseOf(guard)).toBe(1);
  drafted(guard, 63, 3, 20);
  expect(guard.reason).toBeNull();
});

test("a win after pauses makes the next pause short again", () => {
  const guard = new Guard();
  for (let i = 0; i < 4; i++) {
    drafted(guard, 8, 1, 20);
    pauseOf(guard);
  }
  for (let i = 0; i < 3; i++) {
    drafted(guard, 64, 3, 20);
    pauseOf(guard);
  }
  drafted(guard, 100, 1, 20);
  expect(guard.reason).toBe("slower-than-plain");
  expect(pauseOf(guard)).toBe(32);
});

test("a small loss in a few rounds of luck and bad luck is no verdict", () => {
  const guard = new Guard();
  for (const emitted of [1, 1, 1, 4, 1, 1, 1, 4]) guard.settle(true, emitted, 20, 20, 10);
  expect(guard.reason).toBeNull();
  drafted(guard, 8, 1, 20);
  expect(guard.reason).toBe("slower-than-plain");
});

test("one hiccup does not pause what pays", () => {
  const guard = new Guard();
  drafted(guard, 12, 3, 20);
  guard.settle(true, 3, 24_000, 20, 10);
  drafted(guard, 10, 3, 20);
  expect(guard.reason).toBeNull();
});

test("declined offers are probed after a while, less often when it was in vain", () => {
  const guard = new Guard();
  const declinedUntilProbe = () => {
    let count = 1;
    while (!guard.probe()) count++;
    return count;
  };
  const gaps: number[] = [];
  for (let i = 0; i < 7; i++) {
    gaps.push(declinedUntilProbe());
    guard.settle(true, 1, 20, 20, 10);
  }
  expect(gaps).toEqual([64, 128, 256, 512, 1024, 1024, 1024]);
  declinedUntilProbe();
  guard.settle(true, 3, 20, 20, 10);
  expect(declinedUntilProbe()).toBe(64);
  // Probes do not count in the balance.
  expect(guard.reason).toBeNull();
});
