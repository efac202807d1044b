import { afterAll, beforeAll, expect, test } from "vitest";
import type { RoundEvent } from "./round-events.ts";
import { type ToyServer, toyServer } from "./testing/toy-server.ts";

let server: ToyServer;
beforeAll(async () => {
  server = await toyServer();
});
afterAll(() => server.stop());

const common = { stream: true, max_tokens: 48, temperature: 0.7, seed: 3 };

async function events(path: string, body: object) {
  const text = await (await server.ask(path, { ...common, ...body })).text();
  const all = text.split("\n\n").filter((event) => event !== "");
  expect(all.at(-1)).toBe("data: [DONE]");
  return all.slice(0, -1).map((event) => JSON.parse(event.slice("data: ".length)));
}

const roundsOf = (all: { draftwright?: { round: RoundEvent } }[]) =>
  all.flatMap(({ draftwright }) => (draftwright ? [draftwright.round] : []));

test.each([
  ["/v1/chat/completions", { messages: [{ role: "user", content: "abababab" }] }],
  ["/v1/completions", { prompt: "abababab" }],
])(
  "%s streams its rounds only when asked: what was drafted, what was accepted, and all that was emitted",
  async (path, body) => {
    const method = { method: "lookup", budget: 4 };
    const plain = await events(path, { ...body, draft: method });
    expect(roundsOf(plain)).toEqual([]);
    const all = await events(path, { ...body, draft: { ...method, rounds: true, sources: true } });
    const rounds = roundsOf(all);
    const texts = (chunks: typeof all) =>
      chunks.map(({ choices: [choice] }) => choice?.delta?.content ?? choice?.text ?? "").join("");
    expect(texts(all)).toBe(texts(plain));
    expect(rounds.map(({ emitted }) => emitted.map(({ text }) => text).join("")).join("")).toContain(texts(all).trim());
    expect(rounds.length).toBeGreaterThan(3);
    for (const { emitted, tree, path: accepted, trace, index } of rounds) {
      expect(index).toBe(0);
      expect(tree.text).toHaveLength(tree.parent.length);
      expect(tree.source).toHaveLength(tree.parent.length);
      expect(trace.width).toBe(tree.parent.length + 1);
      // The accepted nodes are a path from the root, and their texts were emitted.
      accepted.forEach((node, i) => {
        expect(tree.parent[node]).toBe(i === 0 ? -1 : accepted[i - 1]);
        expect(tree.text[node]).toBe(emitted[i]?.text);
      });
    }
    expect(rounds.some(({ path: accepted }) => accepted.length > 0)).toBe(true);
  },
);

test("rounds of several choices name theirs", async () => {
  const all = await events("/v1/completions", { prompt: ["abab", "cdcd"], draft: { rounds: true } });
  expect(new Set(roundsOf(all).map(({ index }) => index))).toEqual(new Set([0, 1]));
});
