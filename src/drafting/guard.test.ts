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

test("asking in vain is charged to what is bought, within bounds", () => {
  const saving = (asked: number) => {
    const guard = new Guard();
    for (let i = 0; i < 8 && !guard.reason; i++) {
      for (let round = 0; round < 20; round++) {
        guard.charge(asked, 10);
        guard.settle(false, 1, 10, 10, 10);
      }
      drafted(guard, 1, 3, 20);
    }
    return guard.reason;
  };
  expect(saving(0.4)).toBeNull();
  expect(saving(0.6)).toBe("slower-than-plain");
  const guard = new Guard();
  guard.charge(1e6, 10);
  drafted(guard, 63, 3, 20);
  expect(guard.reason).toBeNull();
});

test("one hiccup does not pause what pays", () => {
  const guard = new Guard();
  drafted(guard, 12, 3, 20);
  guard.settle(true, 3, 24_000, 20, 10);
  drafted(guard, 10, 3, 20);
  expect(guard.reason).toBeNull();
});

test("declined offers are probed for a share of the time that halves with each in vain", () => {
  const guard = new Guard();
  const plainMs = 10;
  const declinedUntilProbe = (ms: number) => {
    for (let count = 1; ; count++) if (guard.decline(plainMs) && guard.probe("chance", ms)) return count;
  };
  const gaps: number[] = [];
  for (let i = 0; i < 5; i++) {
    gaps.push(declinedUntilProbe(16));
    guard.settle(true, 1, plainMs + 16, plainMs + 16, plainMs, "chance");
  }
  // 5 % of 32 rounds of 10 ms are the 16 ms.
  expect(gaps).toEqual([32, 64, 128, 256, 512]);
  expect(declinedUntilProbe(16)).toBe(1024);
  // What a probe saved may be spent on the next one at once.
  guard.settle(true, 3, plainMs, plainMs, plainMs, "chance");
  expect(declinedUntilProbe(16)).toBe(1);
  guard.settle(true, 1, plainMs, plainMs + 1, plainMs, "chance");
  expect(declinedUntilProbe(160)).toBeGreaterThan(300);
  // Probes do not count in the balance.
  expect(guard.reason).toBeNull();
});

test("widths are tried early after a load, from savings of their own", () => {
  const guard = new Guard();
  const declined = (count: number) => {
    for (let i = 0; i < count; i++) guard.decline(10);
  };
  declined(16);
  expect(guard.probe("width", 80)).toBe(true);
  guard.settle(true, 1, 90, 90, 10, "width");
  declined(16);
  // The chances' savings are whole: 32 rounds of 10 ms by 5 %.
  expect([guard.probe("width", 13), guard.probe("chance", 16)]).toEqual([false, true]);
});

test("where nothing is bought for long, drafters are asked less often; a purchase wakes them", () => {
  const guard = new Guard();
  let asked = 0;
  for (let i = 0; i < 400; i++) {
    asked += i % guard.askEvery === 0 ? 1 : 0;
    guard.settle(false, 1, 10, 10, 10);
  }
  expect(asked).toBeGreaterThan(32 + 48 + 60);
  expect(asked).toBeLessThan(160);
  guard.settle(true, 3, 11, 11, 10);
  expect(guard.askEvery).toBe(1);
  guard.settle(false, 1, 10, 10, 10);
  expect(guard.askEvery).toBe(1);
});
