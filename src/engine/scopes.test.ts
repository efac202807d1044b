// Scopes (API keys) share nothing that holds text: no rows of a prompt, no phrase, no draft.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GenerateOptions } from "./index.ts";
import type { Model } from "./model.ts";
import { openToy } from "./testing/toy-runtime.ts";

/** A text that only scope `a` has seen: no model says it by itself. */
const secret = [201, 202, 203, 204, 205, 206, 207, 208, 209, 210, 211, 212];
const head = [256, 97, 98, 99];

describe("scopes", () => {
  let model: Model;
  beforeAll(async () => {
    model = await openToy({
      draftPaths: ["draft.", "draft2."],
      drafting: { ouroboros: { pool: "session" }, lookahead: { text: true } },
      load: { contextLength: 512, kvRows: 4 * 512 },
    });
  });
  afterAll(() => model.dispose());

  /** Pairs of neighbouring tokens in all trees drafted for a text that ends in the secret's first token. */
  async function drafted(options: GenerateOptions) {
    const pairs = new Set<string>();
    const { tokenIds } = await model.generate(
      { tokens: [...head, 120, secret[0]] },
      {
        budget: 12,
        maxTokens: 12,
        record: true,
        ...options,
        onRound: ({ record }) => {
          const trees = record ? [record.tree, ...record.offers.flatMap(({ drafted }) => drafted ?? [])] : [];
          for (const { token, parent } of trees) {
            token.forEach((one, node) => {
              pairs.add(`${parent[node] < 0 ? "root" : token[parent[node]]},${one}`);
            });
          }
        },
      },
    ).result;
    return { tokenIds, pairs };
  }
  const secretPairs = [`root,${secret[1]}`, ...secret.slice(1).map((token, i) => `${secret[i]},${token}`)];
  const tells = (pairs: ReadonlySet<string>) => secretPairs.some((pair) => pairs.has(pair));

  test.each(["ouroboros", "cascade", "hierarchy", "lookahead", "lookup", "model"])(
    "%s drafts nothing in one scope that another has taught it",
    async (draft) => {
      const before = await drafted({ draft, cacheScope: "b" });
      expect(tells(before.pairs)).toBe(false);
      // The secret is said again and again: in the prompt, and as output that the target is made to say.
      for (let i = 0; i < 6; i++) {
        await model.generate(
          { tokens: [...head, ...secret, ...secret, ...secret] },
          {
            draft,
            budget: 12,
            maxTokens: 40,
            cacheScope: "a",
            temperature: 1,
            seed: i,
            logitBias: Object.fromEntries(secret.map((token) => [token, 50])),
          },
        ).result;
      }
      const after = await drafted({ draft, cacheScope: "b" });
      expect(tells(after.pairs)).toBe(false);
      expect(after.tokenIds).toEqual(before.tokenIds);
      // What is kept at all is there for its own scope, so that the others' silence means something.
      if (draft === "ouroboros") expect(tells((await drafted({ draft, cacheScope: "a" })).pairs)).toBe(true);
    },
  );

  test("no rows of a prompt are found from another scope", async () => {
    const tokens = [256, ...Array.from({ length: 300 }, (_, i) => i % 200)];
    const cached = async (cacheScope: string | undefined) =>
      (await model.generate({ tokens }, { maxTokens: 2, cacheScope }).result).cachedTokens;
    expect(await cached("rows a")).toBe(0);
    expect(await cached("rows b")).toBe(0);
    expect(await cached(undefined)).toBe(0);
    expect(await cached("rows a")).toBe(300);
  });
});
