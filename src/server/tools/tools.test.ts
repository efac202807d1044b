import { describe, expect, test } from "vitest";
import type { OutputPart, OutputReader } from "./output-reader.ts";
import { toolFormat, toolPrompt } from "./prompt.ts";
import { type ToolFormat, toolReader } from "./readers.ts";

const names = ["weather", "time"];
const weather = { type: "function" as const, function: { name: "weather", parameters: { type: "object" } } };

/** All parts of an answer, cut into pieces of `size`; neighbouring texts are one. */
function read(reader: OutputReader, answer: string, size: number) {
  const parts: OutputPart[] = [];
  for (let at = 0; at < answer.length; at += size) parts.push(...reader.push(answer.slice(at, at + size)));
  parts.push(...reader.end());
  const merged: (string | [string, string])[] = [];
  for (const part of parts) {
    if (part.type === "tool-call") merged.push([part.name, part.arguments]);
    else if (typeof merged.at(-1) === "string") merged.push(`${merged.pop()}${part.text}`);
    else merged.push(part.text);
  }
  return merged;
}

const answers: [string, ToolFormat, string, ReturnType<typeof read>][] = [
  ["plain text", "tagged", "It is 3 < 4, and <b>bold</b>.", ["It is 3 < 4, and <b>bold</b>."]],
  [
    "Hermes and Qwen",
    "tagged",
    'Let me see.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Bern {x}"}}\n</tool_call>',
    ["Let me see.", ["weather", '{"city":"Bern {x}"}']],
  ],
  [
    "two calls, the second not closed",
    "tagged",
    '<tool_call>{"name":"weather","arguments":{}}</tool_call>\n<tool_call>{"name":"time"}',
    [
      ["weather", "{}"],
      ["time", "{}"],
    ],
  ],
  ["a tool that is none", "tagged", '<tool_call>{"name":"rm"}</tool_call>', ['<tool_call>{"name":"rm"}</tool_call>']],
  ["broken JSON", "tagged", '<tool_call>{"name":</tool_call> sorry', ['<tool_call>{"name":</tool_call> sorry']],
  ["a tag that never comes", "tagged", "a <tool_ca", ["a <tool_ca"]],
  ["Mistral", "listed", '[TOOL_CALLS] [{"name":"time","arguments":{"zone":"CET"}}]', [["time", '{"zone":"CET"}']]],
  ["Mistral without the control token", "listed", '[{"name":"time","arguments":{}}]', [["time", "{}"]]],
  [
    "Mistral, names first",
    "listed",
    '[TOOL_CALLS]weather[ARGS]{"a":{"b":1}}[TOOL_CALLS]time[ARGS]{}',
    [
      ["weather", '{"a":{"b":1}}'],
      ["time", "{}"],
    ],
  ],
  ["a list that is text", "listed", "[1] is a footnote.", ["[1] is a footnote."]],
  ["Llama 3.1", "bare", '{"name": "weather", "parameters": {"city": "Bern"}}', [["weather", '{"city":"Bern"}']]],
  [
    "Llama 3.1, several",
    "bare",
    '<|python_tag|>{"name":"weather","parameters":{}}; {"name":"time","parameters":{}}',
    [
      ["weather", "{}"],
      ["time", "{}"],
    ],
  ],
  ["JSON that is no call", "bare", '{"answer": 42}', ['{"answer": 42}']],
  ["text with braces later", "bare", "Sets are {a, b}.", ["Sets are {a, b}."]],
];

describe("tool readers", () => {
  test.each(answers)("%s", (_, format, answer, expected) => {
    for (const size of [1, 2, 3, 7, 1000]) expect(read(toolReader(format, names), answer, size)).toEqual(expected);
  });

  test("text leaves as soon as it cannot be a call", () => {
    const reader = toolReader("tagged", names);
    expect(reader.push("Hello <")).toEqual([{ type: "text", text: "Hello" }]);
    expect(reader.push("b> ")).toEqual([{ type: "text", text: " <b>" }]);
  });
});

describe("tool prompts", () => {
  test("formats by template", () => {
    expect(toolFormat(undefined)).toBe("tagged");
    expect(toolFormat("{{ tools }} <tool_call>")).toBe("tagged");
    expect(toolFormat("{{ tools }} [TOOL_CALLS]")).toBe("listed");
    expect(toolFormat('{{ tools }} <|python_tag|> {"name": "parameters"}')).toBe("bare");
    expect(toolFormat("no t00ls")).toBe("tagged");
  });

  test("a template that knows tools gets them, another gets words", () => {
    const messages = [
      { role: "system" as const, content: "Be kind." },
      { role: "user" as const, content: "Bern?" },
      {
        role: "assistant" as const,
        content: null,
        tool_calls: [{ id: "1", type: "function", function: { name: "weather", arguments: '{"city":"Bern"}' } }],
      },
      { role: "tool" as const, content: "rain", tool_call_id: "1" },
    ];
    const known = toolPrompt("{{ tools }}", messages, [weather]);
    expect(known.messages).toBe(messages);
    expect(known.tools).toEqual([
      { type: "function", function: { name: "weather", description: "", parameters: { type: "object" } } },
    ]);
    const words = toolPrompt(undefined, messages, [weather]);
    expect(words.tools).toBeUndefined();
    expect(words.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
    expect(words.messages[0].content).toMatch(/^Be kind\.\n\nYou may call.*"weather"/s);
    expect(words.messages[2].content).toContain('<tool_call>\n{"name": "weather", "arguments": {"city":"Bern"}}');
    expect(words.messages[3].content).toBe("<tool_response>\nrain\n</tool_response>");
  });
});
