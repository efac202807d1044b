import { readdirSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { root, startNode, workplace } from "./support/command.ts";

const { env, remove } = workplace();
afterAll(remove);

describe("examples", () => {
  test.each(readdirSync(`${root}/examples`))("%s runs and is short", async (name) => {
    expect(readFileSync(`${root}/examples/${name}`, "utf8").split("\n").length).toBeLessThan(40);
    const { code, stdout, stderr } = await startNode([`examples/${name}`, "tiny"], env).outcome;
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).not.toBe("");
  });
});
