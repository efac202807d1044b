import { describe, expect, test } from "vitest";
import { Random } from "../../random.ts";
import { randomAgent } from "../agents/agent.ts";
import { newState } from "../deal.ts";
import { evaluate } from "../evaluate.ts";
import { checkedMenu } from "../menus.ts";
import { makeSetup } from "../setup.ts";
import { legalOf, randomGame } from "../testing/tools.ts";
import { decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
import { algorithms } from "./learner.ts";
import { networkPlayer } from "./player.ts";
import { runTraining } from "./run.ts";
import { Trainer, type TrainOptions } from "./trainer.ts";

const menu = checkedMenu("my-first-meal", 2);
const small: Omit<TrainOptions, "algorithm"> = {
  menus: [menu],
  players: 2,
  knownHands: true,
  seed: 1,
  hidden: [24, 16],
  games: 40,
  evaluations: 2,
};

function trained(trainer: Trainer): Trainer {
  while (trainer.done < 1) trainer.playGame();
  return trainer;
}

describe.each(algorithms)("%s", (algorithm) => {
  test("a training that was saved and restored ends with the same bits", () => {
    const whole = trained(new Trainer({ ...small, algorithm }));
    let part = new Trainer({ ...small, algorithm });
    for (let game = 0; game < 27; game++) part.playGame();
    part = trained(Trainer.restore(part.save()));
    expect(part.updates).toBe(whole.updates);
    expect(part.steps).toBe(whole.steps);
    expect(part.checkpoint().weights).toEqual(whole.checkpoint().weights);
    expect(part.save().length).toBe(whole.save().length);
    expect(Buffer.compare(part.save(), whole.save())).toBe(0);
  });

  test("its network plays legal actions and learns to beat random", () => {
    const games = algorithm === "ppo" ? 400 : 150;
    const checkpoint = trained(new Trainer({ ...small, algorithm, games })).checkpoint();
    const agent = networkPlayer(checkpoint);
    const { lo } = evaluate({ agent, opponents: [randomAgent], players: 2, menu, games: 200, seed: 9 });
    expect(lo).toBeGreaterThan(0.55);
  });
});

describe("training", () => {
  test("menus with all kinds of decisions, several of them, and four players", () => {
    const menus = ["master-menu", "dinner-for-two", "big-banquet"].map((name) => checkedMenu(name, 4));
    for (const algorithm of algorithms) {
      const trainer = trained(new Trainer({ ...small, algorithm, menus, players: 4, games: 12, evaluations: 0 }));
      expect(trainer.steps).toBeGreaterThan(12 * 27);
      expect([...trainer.checkpoint().weights].every(Number.isFinite)).toBe(true);
    }
  });

  test("a run ends by itself or by its signal, and tells of evaluations", async () => {
    const trainer = new Trainer({ ...small, algorithm: "dmc" });
    let evaluations = 0;
    expect(await runTraining(trainer, { evaluated: () => evaluations++ })).toBe(true);
    expect([trainer.games, evaluations]).toEqual([40, 2]);
    const controller = new AbortController();
    controller.abort();
    expect(await runTraining(new Trainer({ ...small, algorithm: "dmc" }), { signal: controller.signal })).toBe(false);
  });

  test("trainings without an end and broken files are refused", () => {
    expect(() => new Trainer({ ...small, algorithm: "dqn", games: undefined })).toThrow(/games or minutes above 0/);
    const checkpoint = new Trainer({ ...small, algorithm: "dqn" }).checkpoint();
    const bytes = encodeCheckpoint(checkpoint);
    expect(() => Trainer.restore(bytes)).toThrow(/no saved training/);
    expect(() => decodeCheckpoint(bytes.subarray(0, bytes.length - 4))).toThrow(/cut short/);
    expect(() => decodeCheckpoint(new Uint8Array(100))).toThrow(/no checkpoint/);
    expect(() => decodeCheckpoint(new Trainer({ ...small, algorithm: "dqn" }).save())).toThrow(/none of Sushi Go/);
  });
});

describe("network at the table", () => {
  const checkpoint = trained(new Trainer({ ...small, algorithm: "dqn" })).checkpoint();

  test("a checkpoint keeps everything", () => {
    expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).toEqual(checkpoint);
    // As read from a file: part of a larger buffer, at any offset.
    expect(decodeCheckpoint(Buffer.from(encodeCheckpoint(checkpoint)))).toEqual(checkpoint);
    const inside = Buffer.concat([Buffer.alloc(3), encodeCheckpoint(checkpoint)]);
    expect(decodeCheckpoint(inside.subarray(3))).toEqual(checkpoint);
  });

  test("what it proposes first is what it plays; shares add up to one", () => {
    const player = networkPlayer(checkpoint);
    const random = new Random(5);
    const shares = new Float64Array(80);
    const s = newState(makeSetup({ players: 2, menu }), 4);
    randomGame(s, random, (p) => {
      const legal = Uint8Array.from(legalOf(s, p));
      player.propose(s, p, legal, legal.length, shares);
      const list = [...shares.subarray(0, legal.length)];
      expect(list.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
      expect(legal[list.indexOf(Math.max(...list))]).toBe(player.choose(s, p, random));
      expect(Number.isFinite(player.value(s, p))).toBe(true);
    });
  });

  test("it plays without being told what is hidden: other hands, same choice", () => {
    const blind = networkPlayer(trained(new Trainer({ ...small, algorithm: "dqn", knownHands: false })).checkpoint());
    const s = newState(makeSetup({ players: 2, menu }), 6);
    const random = new Random(6);
    randomGame(s.clone(), random);
    const other = s.clone();
    // Swaps the opponent's hand for the deck's cards: nobody has passed yet.
    other.hands.set(s.hands.subarray(0, 45), 45);
    expect(blind.choose(other, 0, random)).toBe(blind.choose(s, 0, random));
  });
});
