import { expect, test } from "vitest";
import { type Item, inputSchema, toChatMessages } from "./response-input.ts";

const messages = (items: unknown, instructions?: string) =>
  toChatMessages(inputSchema.parse(items) as Item[], instructions);
const call = (id: string) => ({ type: "function_call", call_id: id, name: "f", arguments: id });
const asked = (id: string) => ({ id, type: "function", function: { name: "f", arguments: id } });

test("a text alone, with instructions", () => {
  expect(messages("hello")).toEqual([{ role: "user", content: "hello" }]);
  expect(messages("hello", "Be short.")[0]).toEqual({ role: "system", content: "Be short." });
});

test("thoughts, text and calls of a turn are one message; results and other roles stand alone", () => {
  const items = [
    { role: "developer", content: "Be short." },
    { role: "user", content: [{ type: "input_text", text: "Well?" }] },
    { type: "reasoning", id: "rs_1", summary: [], content: [{ type: "reasoning_text", text: "hm" }] },
    { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: "I look." }] },
    call("a"),
    call("b"),
    { type: "function_call_output", call_id: "a", output: "1" },
    { type: "function_call_output", call_id: "b", output: [{ type: "input_text", text: "2" }] },
    call("c"),
    { type: "function_call_output", call_id: "c", output: "3" },
    { role: "assistant", content: "Six." },
    { role: "assistant", content: "Or so." },
    { type: "reasoning", id: "rs_2", summary: [] },
    { role: "user", content: "Thanks." },
  ];
  expect(messages(items)).toEqual([
    { role: "system", content: "Be short." },
    { role: "user", content: "Well?" },
    { role: "assistant", content: "I look.", reasoning_content: "hm", tool_calls: [asked("a"), asked("b")] },
    { role: "tool", tool_call_id: "a", content: "1" },
    { role: "tool", tool_call_id: "b", content: "2" },
    { role: "assistant", content: null, tool_calls: [asked("c")] },
    { role: "tool", tool_call_id: "c", content: "3" },
    { role: "assistant", content: "Six." },
    { role: "assistant", content: "Or so." },
    { role: "user", content: "Thanks." },
  ]);
});
