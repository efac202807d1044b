// The repository's own rules, as tests, so that `npm test` is the only command to remember.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

function tool(name: string, ...args: string[]) {
  const command = name === "node" ? process.execPath : `${root}/node_modules/.bin/${name}`;
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
  });
  return { status, output: status === 0 ? "" : stdout + stderr };
}

describe("tools", () => {
  test("types are right in sources, tests and examples", () => {
    expect(tool("tsc", "--noEmit")).toEqual({ status: 0, output: "" });
  });
  test("biome finds nothing", () => {
    expect(tool("biome", "ci", ".", "--colors=off")).toEqual({ status: 0, output: "" });
  });
  test("imports point down the layers, through doors", () => {
    expect(tool("node", "scripts/check-imports.mjs")).toEqual({ status: 0, output: "" });
  });
  test("knip finds no dead files, exports or dependencies", () => {
    expect(tool("knip", "--no-progress")).toEqual({ status: 0, output: "" });
  });
  test("publint accepts the package", () => {
    expect(tool("publint", "run", ".", "--strict", "--pack", "false")).toEqual({ status: 0, output: "" });
  });
});

describe("files", () => {
  const json = (name: string) => JSON.parse(readFileSync(`${root}/${name}`, "utf8"));

  test("versions are pinned", () => {
    const { dependencies, devDependencies, optionalDependencies } = json("package.json");
    const loose = Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(loose.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test("the lockfile is complete and names no registry", () => {
    const { packages } = json("package-lock.json");
    type Entry = { resolved?: string; optionalDependencies?: Record<string, string> };
    const entries = Object.entries<Entry>(packages);
    expect(entries.filter(([, entry]) => entry.resolved).map(([path]) => path)).toEqual([]);
    const missing = entries.flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter(
        (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
      ),
    );
    expect(missing, "run node scripts/complete-lockfile.mjs").toEqual([]);
  });

  test("every source file is small", () => {
    const long = readdirSync(`${root}/src`, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !/(\.test|conformance)\.ts$/.test(name))
      .map((name) => ({ name, lines: readFileSync(`${root}/src/${name}`, "utf8").split("\n").length }))
      .filter(({ lines }) => lines > 400);
    expect(long).toEqual([]);
  });

  test("files that a published package needs are there", () => {
    const { files } = json("package.json");
    expect(files.filter((name: string) => !name.startsWith("!") && !existsSync(`${root}/${name}`))).toEqual([]);
  });
});
