// Every snippet of README.md and docs/ that is marked js or sh is run. Blocks marked text are not code.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "./support/command.ts";

const docs = readdirSync(`${root}/docs`, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
const pages = ["README.md", "CONTRIBUTING.md", ...docs.map((name) => `docs/${name}`)];
const snippets = pages.flatMap((page) =>
  [...readFileSync(`${root}/${page}`, "utf8").matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, code], i) => ({
    name: `${page}, block ${i + 1}`,
    language,
    code,
  })),
);
/** What the tests themselves are, or would start again. */
const elsewhere = /^npm (ci|start|test|run check)\b/;
const hasModel = existsSync(`${root}/models/embedded-target.Q8_0.gguf`);
const cache = mkdtempSync(join(tmpdir(), "draftwright-docs-"));
afterAll(() => rmSync(cache, { recursive: true, force: true }));
const options = { cwd: root, encoding: "utf8", env: { ...process.env, XDG_CACHE_HOME: cache } } as const;

describe("snippets", () => {
  test("say what language they are", () => {
    expect(snippets.filter(({ language }) => !["js", "sh", "text"].includes(language))).toEqual([]);
  });

  const runnable = snippets.filter(({ language }) => language !== "text");
  test.skipIf(!hasModel).each(runnable)("$name runs", ({ language, code }) => {
    const { status, stderr } =
      language === "js"
        ? spawnSync(process.execPath, ["--input-type=module", "-e", code], options)
        : spawnSync("bash", ["-euo", "pipefail", "-c", shell(code)], options);
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  });

  test("links between pages lead somewhere", () => {
    const broken = pages.flatMap((page) =>
      [...readFileSync(`${root}/${page}`, "utf8").matchAll(/\]\(([^)#:]+)\)/g)]
        .map(([, link]) => join(page, "..", link))
        .filter((path) => !existsSync(join(root, path))),
    );
    expect(broken).toEqual([]);
  });
});

function shell(code: string): string {
  return code
    .split("\n")
    .filter((line) => !elsewhere.test(line))
    .join("\n")
    .replaceAll("npx draftwright", `'${process.execPath}' bin/draftwright.js`);
}
