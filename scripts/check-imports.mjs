// Checks that imports point down the layers only (docs/architecture.md) and enter another room through a door:
// an index.ts, or one of the files named in `sideDoors`. Prints every violation; exits 1 when there is one.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../src", import.meta.url));

// From the top. Rooms of one row never import each other.
const layers = [
  ["cli"],
  ["ai"],
  ["server"],
  ["documents", "images", "games"],
  ["bench"],
  ["index.ts"],
  ["engine"],
  ["drafting"],
  ["training"],
  ["lm"],
  ["nn"],
  ["ggml"],
  ["files.ts"],
  ["errors.ts"],
];

// Files that other rooms may import although they are not an index.ts, each with its reason.
const sideDoors = new Map([
  ["lm/model.ts", "the model interface alone, so that drafting loads no native code"],
  ["lm/load.ts", "opening a file needs the native room; the rest of lm does not"],
  ["lm/config.ts", "what a file is, without loading it"],
  ["lm/lora-file.ts", "what an adapter is, without loading it"],
  ["lm/numerics.ts", "the proof that drafting changes nothing"],
  ["lm/chat-template.ts", "only chat needs the template engine"],
]);

const layerOf = new Map(layers.flatMap((rooms, layer) => rooms.map((room) => [room, layer])));
// `import type {..} from "x"`, `export * from "x"`, `import("x")`, and a bare `import "x"`.
const importPattern =
  /^\s*(?:import|export)\b[^"';]*?\bfrom\s*"([^"]+)"|^\s*import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;

export function violations(folder = source) {
  return files(folder).flatMap((file) => {
    const from = relative(folder, file);
    return imports(file)
      .map((specifier) => problem(folder, from, specifier))
      .filter((text) => text !== undefined);
  });
}

function problem(folder, from, specifier) {
  if (!specifier.startsWith(".")) return undefined;
  const to = relative(folder, resolve(folder, dirname(from), specifier));
  const room = from.split("/")[0].replace(/\.test\.ts$/, ".ts");
  const target = to.split("/")[0];
  if (room === target) return undefined;
  const where = `src/${from}: "${specifier}"`;
  for (const name of [room, target]) {
    if (!layerOf.has(name)) return `${where}: room "${name}" is not in the layers of scripts/check-imports.mjs`;
  }
  if (layerOf.get(target) <= layerOf.get(room)) return `${where}: ${room} must not import ${target}, which lies above`;
  const isDoor = to.endsWith("index.ts") || !to.includes("/") || sideDoors.has(to);
  // Tests may look behind a door: they need the oracles.
  if (!isDoor && !/\.test\.ts$|\/testing\//.test(from))
    return `${where}: enter ${target} through an index.ts, or name a side door`;
  return undefined;
}

function imports(file) {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? match[3]);
}

function files(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name))
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = violations();
  for (const text of found) console.error(text);
  console.error(`${found.length} forbidden imports`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
