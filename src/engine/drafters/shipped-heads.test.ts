import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readHeadSettings } from "../../drafting/trained/index.ts";
import { loadLanguageModel } from "../../lm/load.ts";
import { writeRandomModel } from "../../lm/testing/index.ts";
import { findHeads, findModel } from "../find-model.ts";
import type { Model } from "../model.ts";
import { openToy } from "../testing/toy-runtime.ts";
import { DrafterSet } from "./drafter-set.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-shipped-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const curve = { ms: (width: number) => 3 * width, observe() {} };
const open = (path: string, drafting = {}): Promise<Model> =>
  openToy({ path, drafting, load: { threads: 1, contextLength: 256 } }, loadLanguageModel);

describe("the heads that ship with the embedded target", () => {
  let path: string;
  let model: Model;
  beforeAll(async () => {
    path = await findModel();
    model = await open(path);
  });
  afterAll(async () => model[Symbol.asyncDispose]());

  test("are there, small, and made for this file", () => {
    expect(findHeads(path).map((head) => basename(head))).toEqual(["amphista.gguf", "falcon.gguf"]);
    for (const head of findHeads(path)) {
      expect(readHeadSettings(head)).toMatchObject({ target: model.info.hash });
      expect(statSync(head).size).toBeLessThan(8e6);
    }
  });

  test.each([
    { draft: "amphista", temperature: 0 },
    { draft: "amphista", temperature: 0.8 },
    { draft: "falcon", temperature: 0 },
    { draft: "falcon", temperature: 0.8 },
    { draft: ["amphista", "falcon", "lookup"], temperature: 0 },
  ])("$draft at $temperature: found by name, the plain text, drafts accepted", async ({ draft, temperature }) => {
    const run = (how: string | string[]) =>
      model.generate("The Tenant shall pay the Landlord", {
        draft: how,
        budget: how === "off" ? undefined : 8,
        temperature,
        seed: 5,
        maxTokens: 48,
      }).result;
    const plain = await run("off");
    const drafted = await run(draft);
    expect(drafted.tokenIds).toEqual(plain.tokenIds);
    expect(drafted.drafting.accepted).toBeGreaterThan(4);
  });

  test("auto does not ask them, not even once they are open, but one given by the user, if forwards are not too cheap", () => {
    using target = loadLanguageModel(path, { threads: 1, contextLength: 256 });
    const named = (set: DrafterSet, wanted: "auto" | string[]) => set.choose(wanted, undefined).map(({ name }) => name);
    using set = new DrafterSet(target, curve, [], {});
    expect(set.names).toEqual(expect.arrayContaining(["amphista", "falcon"]));
    expect(named(set, "auto")).toEqual(["lookup"]);
    expect(named(set, ["falcon"])).toEqual(["falcon"]);
    expect(named(set, "auto")).toEqual(["lookup"]);
    const own = join(folder, "own.gguf");
    copyFileSync(findHeads(path)[1], own);
    using given = new DrafterSet(target, curve, [], { heads: [own] });
    expect(named(given, "auto")).toEqual(["lookup", "falcon"]);
    expect(named(given, ["falcon", "amphista"])).toEqual(["falcon", "amphista"]);
    const fast = { ...curve, ms: () => 0.4 };
    using cheap = new DrafterSet(target, fast, [], { heads: [own] });
    expect([named(cheap, "auto"), named(cheap, ["falcon"])]).toEqual([["lookup"], ["falcon"]]);
  });

  test("are refused for another target, by its hash", async () => {
    // Named and placed like the embedded target, but not it.
    const other = join(folder, basename(path));
    writeRandomModel(other, { architecture: "llama" });
    mkdirSync(join(folder, "heads"));
    for (const head of findHeads(path)) copyFileSync(head, join(folder, "heads", basename(head)));
    await using wrong = await open(other);
    const refused =
      /heads.amphista\.gguf drafts for the target with hash [0-9a-f]{12}, this one has [0-9a-f]{12}\. .*train amphista/;
    await expect(wrong.generate("abc", { draft: "amphista", maxTokens: 4 }).result).rejects.toThrow(refused);
    expect((await wrong.generate("abc", { maxTokens: 4 }).result).tokenIds).toHaveLength(4);
    await expect(open(other, { heads: [findHeads(path)[0]] })).rejects.toThrow(refused);
  });
});
