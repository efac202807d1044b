// Builds the databases that ship with the embedded family:
//   node tools/embedded-databases/build.mjs CORPORA [stats|model] [--out FOLDER]
// CORPORA holds NAME/train.jsonl.xz, one {"id", "text"} a line. Without `stats` or `model` both are built. Equal inputs give
// equal files. Needs xz.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { boilerplate } from "./boilerplate.mjs";
import { prompts } from "./prompts.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

// The texts themselves ship in the statistics database: public domain, and CC BY 4.0 with attribution (models/ATTRIBUTION.md).
const statisticsSources = [
  { name: "cuad", characters: 1_500_000 },
  { name: "dfars", characters: 350_000 },
  { name: "us-code", characters: 200_000 },
  { name: "dc-code", characters: 200_000 },
];

// Only what the model answers to these ships.
const promptSources = [
  { name: "cuad", count: 700 },
  { name: "patents-pap2pat", count: 200 },
  { name: "dfars", count: 100 },
  { name: "us-code", count: 100 },
  { name: "dc-code", count: 100 },
  { name: "instructions", count: 200, chat: true },
  { name: "tech-docs", count: 100 },
];

const args = process.argv.slice(2);
const outAt = args.indexOf("--out");
const out = outAt < 0 ? join(root, "models") : args.splice(outAt, 2)[1];
const [corpora, only] = args;
if (!corpora) throw new Error("Which folder holds the corpora? node tools/embedded-databases/build.mjs CORPORA");

const folder = mkdtempSync(join(tmpdir(), "embedded-databases-"));
try {
  if (only !== "model") {
    const texts = statisticsSources.map(({ name, characters }) => {
      const path = join(folder, `${name}.jsonl`);
      writeLines(path, boilerplate(read(name), characters).map((text) => ({ text })));
      return path;
    });
    draftwright("db", "build", "stats", ...texts, "--out", join(out, "embedded.stats.db"));
  }
  if (only !== "stats") {
    const path = join(folder, "prompts.jsonl");
    writeLines(path, promptSources.flatMap(({ name, count, chat }) => prompts(read(name), count, chat)));
    const model = join(root, "models/embedded-target.Q8_0.gguf");
    draftwright("db", "build", "model", "--model", model, "--prompts", path, "--max-tokens", "96", "--ngram", "6",
      "--top", "60000", "--out", join(out, "embedded.model.db"));
  }
} finally {
  rmSync(folder, { recursive: true });
}

function read(name) {
  const { status, stdout, stderr } = spawnSync("xz", ["-dc", join(corpora, name, "train.jsonl.xz")], {
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`Cannot unpack ${name}: ${stderr}`);
  return stdout.toString().trimEnd().split("\n").map((line) => JSON.parse(line).text);
}

function writeLines(path, values) {
  writeFileSync(path, values.map((value) => `${JSON.stringify(value)}\n`).join(""));
}

function draftwright(...command) {
  const program = process.env.DRAFTWRIGHT ?? join(root, "bin/draftwright.js");
  const { status } = spawnSync(process.execPath, [program, ...command], { stdio: "inherit" });
  if (status !== 0) throw new Error(`draftwright ${command.slice(0, 3).join(" ")} failed`);
}
