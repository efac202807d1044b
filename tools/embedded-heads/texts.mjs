// Writes what the embedded target's heads are trained and measured on:
//   node tools/embedded-heads/texts.mjs CORPORA OUT
// CORPORA holds NAME/train.jsonl.xz and NAME/valid.jsonl.xz, one {"id", "text"} a line. OUT gets beginnings.jsonl (for
// `draftwright train data`, from train splits) and held-out.jsonl (for `draftwright drafter eval`, from valid splits). Needs xz.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { prompts } from "../embedded-databases/prompts.mjs";

// Shares as the target's own training: contracts first.
const sources = [
  { name: "cuad", train: 1400, heldOut: 20 },
  { name: "patents-pap2pat", train: 600, heldOut: 8 },
  { name: "dfars", train: 250, heldOut: 6 },
  { name: "us-code", train: 200, heldOut: 6 },
  { name: "dc-code", train: 250, heldOut: 6 },
  { name: "policies-and-forms", train: 100, heldOut: 4 },
  { name: "instructions", train: 300, heldOut: 8, chat: true },
  { name: "tech-docs", train: 200, heldOut: 6 },
];

const [corpora, out] = process.argv.slice(2);
if (!out) throw new Error("Which corpora, and where to? node tools/embedded-heads/texts.mjs CORPORA OUT");

const beginnings = sources.flatMap(({ name, train, chat }) =>
  chat
    ? prompts(read(name, "train"), train, true).map(({ turns: [content] }) => ({
        messages: [
          { role: "user", content },
          { role: "assistant", content: "" },
        ],
      }))
    : paragraphs(read(name, "train"), train).map((text) => ({ text })),
);
writeLines("beginnings.jsonl", beginnings);
writeLines("held-out.jsonl", sources.flatMap(({ name, heldOut, chat }) => prompts(read(name, "valid"), heldOut, chat)));

/** `count` long paragraphs, spread evenly over the texts, cut to what holds one beginning. */
function paragraphs(texts, count) {
  const all = texts.flatMap((text) => text.split(/\n\s*\n/).filter((part) => part.length >= 300));
  const step = Math.max(1, Math.floor(all.length / count));
  return all
    .filter((_, i) => i % step === 0)
    .slice(0, count)
    .map((part) => part.trim().slice(0, 400));
}

function read(name, split) {
  const { status, stdout, stderr } = spawnSync("xz", ["-dc", join(corpora, name, `${split}.jsonl.xz`)], {
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`Cannot unpack ${name}: ${stderr}`);
  return stdout.toString().trimEnd().split("\n").map((line) => JSON.parse(line).text);
}

function writeLines(name, values) {
  writeFileSync(join(out, name), values.map((value) => `${JSON.stringify(value)}\n`).join(""));
}
