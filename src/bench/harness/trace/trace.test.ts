import { expect, test } from "vitest";
import { DraftwrightError } from "../../../errors.ts";
import { parseTrace } from "./format.ts";
import { tracePage } from "./page.ts";

const header = {
  type: "trace",
  version: 1,
  model: { name: "<b>model</b>", hash: "x", threads: 1, device: "CPU" },
  machine: { cpu: "cpu & co", cores: 2, memoryGiB: 1, platform: "p", node: "v", native: "n", load: 0 },
  numerics: "exact",
  curve: { widths: [1, 2], kv: [0], ms: [[1], [2]] },
  drafters: ["lookup"],
};
const generation = { type: "generation", id: 0, draft: "lookup", temperature: 0, maxTokens: 3, promptText: "<script>" };
const round = {
  type: "round",
  id: 0,
  emitted: [
    { token: 5, source: "lookup" },
    { token: 6, source: "target" },
  ],
  finishReason: "length",
  trace: {
    decision: "bought",
    offered: {},
    proposed: {},
    width: 3,
    accepted: 1,
    expectedTokens: 1.7,
    expectedMs: 2,
    draftMs: 0.1,
    verifyMs: 3,
  },
  record: {
    kv: 4,
    tree: { token: [5, 7], parent: [-1, 0], confidence: [0.9, 0.5], source: ["lookup", "lookup"] },
    path: [0],
    offers: [{ drafter: "lookup", parent: [-1, 0], chance: [0.9, 0.5], draftMs: [] }],
  },
};
const end = { type: "end", id: 0, tokens: 2, promptTokens: 5, finishReason: "length", prefillMs: 1, decodeMs: 4 };
const texts = { type: "texts", texts: { 5: "<i>", 6: " b", 7: '"' } };
const file = (...lines: unknown[]) => `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`;

test("a trace is read back as it was written, an interrupted one as far as it goes", () => {
  const trace = parseTrace(file(header, generation, round, end, texts), "f");
  expect(trace).toEqual({ header, generations: [{ about: generation, rounds: [round], end }], texts: texts.texts });
  const cut = parseTrace(`${file(header, generation, round)}{"type":"rou`, "f");
  expect(cut.generations[0]).toEqual({ about: generation, rounds: [round] });
});

test.each([
  ["", "f, line 1: it is empty"],
  [file(generation), "f, line 1: the header of a trace is missing"],
  [`${file(header)}nonsense\n${file(generation)}`, "f, line 2: not a line of a trace"],
  [file(header, round), "f, line 2: generation 0 was not announced"],
  [file({ ...header, version: 2 }), "f, line 1: version 2 of the format is unknown"],
])("what is no trace is refused with its line: %j", (text, message) => {
  expect(() => parseTrace(text, "f")).toThrow(DraftwrightError);
  expect(() => parseTrace(text, "f")).toThrow(message);
});

test("the page escapes all texts, marks nodes, and asks no network for anything", () => {
  const page = tracePage(parseTrace(file(header, generation, round, end, texts), "f"));
  for (const raw of ["<b>model", "<script>&", "<i>", "cpu & co"]) expect(page).not.toContain(raw);
  expect(page).toContain("&#60;script&#62;");
  expect(page.match(/class="node accepted/g)).toHaveLength(1);
  expect(page.match(/class="node rejected/g)).toHaveLength(1);
  expect(page).toContain("1 of 2 nodes accepted");
  expect(page).not.toMatch(/https?:|src=|@import|url\(/);
});
