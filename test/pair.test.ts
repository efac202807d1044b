import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { MetadataValue } from "../src/ggml/gguf/index.ts";
import { rewriteGguf, writeRandomModel } from "../src/lm/testing/index.ts";
import { command, workplace } from "./support/command.ts";

const { folder, env, remove } = workplace();
afterAll(remove);
const run = (args: string[]) => command(["pair", ...args], env);

const shape = { architecture: "llama", contextLength: 512, weightType: "Q8_0" } as const;
const big = { ...shape, layerCount: 6, hiddenSize: 512, headCount: 8, kvHeadCount: 4 };
writeRandomModel(join(folder, "big.gguf"), big);
writeRandomModel(join(folder, "big-bpe.gguf"), { ...big, tokenizer: "bpe" });
writeRandomModel(join(folder, "short.gguf"), { ...shape, layerCount: 1, contextLength: 256 });
writeRandomModel(join(folder, "longer-vocabulary.gguf"), { ...shape, layerCount: 1, vocabSize: 600 });
const change = (name: string, key: string, value: MetadataValue) =>
  rewriteGguf(join(folder, "short.gguf"), join(folder, `${name}.gguf`), (metadata) => metadata.set(key, value));
change("other-eos", "tokenizer.ggml.eos_token_id", { type: "uint32", value: 3 });
change("mamba", "general.architecture", { type: "string", value: "mamba" });

interface Listed {
  name: string;
  path: string;
  drafters: { name: string; path: string; fit: string; reasons: string[]; sizeRatio: number; sharedTokens: number }[];
}

async function drafters(target: string): Promise<Map<string, Listed["drafters"][number]>> {
  const { code, stdout, stderr } = await run([target, "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  const [listed, ...others] = JSON.parse(stdout) as Listed[];
  expect(others).toEqual([]);
  return new Map(listed.drafters.map((drafter) => [drafter.name, drafter]));
}

describe("pair", () => {
  test("the same vocabulary fits, and says how large it is", async () => {
    const found = await drafters("big");
    const draft = found.get("tiny-draft");
    expect(draft).toMatchObject({ fit: "same-vocabulary", reasons: ["the same vocabulary"], sharedTokens: 1 });
    expect(draft?.sizeRatio).toBeGreaterThan(0.01);
    expect(draft?.sizeRatio).toBeLessThan(0.5);
    expect(found.has("big")).toBe(false);
  });

  test("a shorter context and another end-of-text token are said", async () => {
    const found = await drafters("big");
    expect(found.get("short")?.reasons).toContain("it drafts within its context of 256 tokens only");
    expect(found.get("other-eos")).toMatchObject({ fit: "same-vocabulary" });
    expect(found.get("other-eos")?.reasons).toContain("its eos token is 3, the target's 2");
  });

  test("another vocabulary fits through re-encoding, with the share of common tokens", async () => {
    const draft = (await drafters("big-bpe")).get("tiny-draft");
    expect(draft?.fit).toBe("re-encode");
    // 256 bytes and the same letters and pairs; control tokens are spelled alike too.
    expect(draft?.sharedTokens).toBeGreaterThan(0.3);
    expect(draft?.sharedTokens).toBeLessThan(1);
    expect(draft?.reasons[0]).toMatch(/another vocabulary: \d+ % of its 512 tokens/);
  });

  test("added tokens are told from another vocabulary", async () => {
    const draft = (await drafters("big")).get("longer-vocabulary");
    expect(draft).toMatchObject({ fit: "re-encode", reasons: ["it has 88 added tokens"] });
  });

  test("too large, and what does not run, does not fit, with the reason", async () => {
    const found = await drafters("big");
    expect(found.get("big-bpe")).toMatchObject({ fit: "no" });
    expect(found.get("big-bpe")?.reasons[0]).toMatch(/it has \d+ % of the target's weights/);
    expect(found.get("mamba")).toMatchObject({ fit: "no" });
    expect(found.get("mamba")?.reasons[0]).toMatch(/does not run: .*mamba/);
    for (const { fit, reasons } of (await drafters("mamba")).values()) {
      expect([fit, reasons[0]]).toEqual(["no", expect.stringMatching(/the target does not run/)]);
    }
  });

  test("without a target every model is one; what fits best comes first; broken files are named", async () => {
    writeFileSync(join(folder, "broken.gguf"), "no model");
    const all = await run(["--json"]);
    expect(all.code).toBe(0);
    expect(all.stderr).toMatch(/^broken: /);
    const listed = JSON.parse(all.stdout) as Listed[];
    expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining(["big", "tiny", "mamba"]));
    const order = ["same-vocabulary", "re-encode", "no"];
    for (const { name, drafters } of listed) {
      expect(drafters.some((drafter) => drafter.name === name)).toBe(false);
      const ranks = drafters.map(({ fit }) => order.indexOf(fit));
      expect(ranks).toEqual([...ranks].sort());
    }
  });

  test("for people: a target, then a line for each drafter", async () => {
    const { code, stdout } = await run(["big"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^big\n/);
    expect(stdout).toMatch(/\n {2}same-vocabulary {2}tiny-draft +0\.\d\dx {2}the same vocabulary\n/);
  });

  test("a target that is not there", async () => {
    const { code, stdout, stderr } = await run(["bigg"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/no model "bigg".*Did you mean: big/s);
  });
});
