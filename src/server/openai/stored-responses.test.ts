import { expect, test } from "vitest";
import { StoredResponses } from "./stored-responses.ts";

const response = (id: string, text: string) => ({
  id,
  output: [{ type: "message" as const, id: `msg_${id}`, role: "assistant" as const, content: text }],
});
const asked = [{ role: "user" as const, content: "Well?" }];

test("a key sees its own responses alone", () => {
  const stored = new StoredResponses(10_000);
  stored.keep("a", response("1", "one"), asked);
  expect(stored.get("a", "1")).toMatchObject({ id: "1" });
  for (const scope of ["b", undefined]) {
    expect(() => stored.get(scope, "1")).toThrow(/no response 1/);
    expect(() => stored.delete(scope, "1")).toThrow(/no response 1/);
    expect(() => stored.resolve(scope, [{ type: "item_reference", id: "msg_1" }], null)).toThrow(/no item msg_1/);
  }
  expect(stored.resolve("a", [{ type: "item_reference", id: "msg_1" }], null)).toMatchObject([{ content: "one" }]);
});

test("the oldest go when there are too many bytes; what is larger than all the room is not kept", () => {
  const stored = new StoredResponses(1000);
  for (const id of ["1", "2", "3"]) stored.keep(undefined, response(id, "x".repeat(100)), asked);
  expect(() => stored.get(undefined, "1")).toThrow(/Send the whole conversation/);
  expect(stored.get(undefined, "3").id).toBe("3");
  stored.keep(undefined, response("4", "x".repeat(2000)), asked);
  expect(() => stored.get(undefined, "4")).toThrow(/no response 4/);
  expect(stored.resolve(undefined, asked, "3")).toHaveLength(3);
  const none = new StoredResponses(0);
  none.keep(undefined, response("1", ""), []);
  expect(() => none.get(undefined, "1")).toThrow(/no response 1/);
});

test("what is removed leaves its room to others", () => {
  const stored = new StoredResponses(1000);
  stored.keep(undefined, response("1", "x".repeat(100)), asked);
  stored.keep(undefined, response("2", "x".repeat(100)), asked);
  stored.delete(undefined, "2");
  stored.keep(undefined, response("3", "x".repeat(100)), asked);
  expect(stored.get(undefined, "1").id).toBe("1");
});
