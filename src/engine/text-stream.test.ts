import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TextStream } from "./text-stream.ts";

function run(chunks: readonly Uint8Array[], stops: string[]): string[] {
  const stream = new TextStream(stops);
  const texts = chunks.map((chunk) => stream.push(chunk).text);
  return [...texts, stream.flush().text];
}
const utf8 = (text: string) => new TextEncoder().encode(text);

describe("TextStream", () => {
  test("holds back half a character and half a stop string", () => {
    expect(run([utf8("a\u00e9").slice(0, 2), utf8("\u00e9").slice(1), utf8("EN"), utf8("D")], ["END"])).toEqual([
      "a",
      "\u00e9",
      "",
      "",
      "",
    ]);
    expect(run([utf8("EN"), utf8("code")], ["END"])).toEqual(["", "ENcode", ""]);
  });

  test("gives what it held when the text ends", () => {
    expect(run([utf8("the EN")], ["END"])).toEqual(["the ", "EN"]);
    expect(run([utf8("\u20ac").slice(0, 2)], [])).toEqual(["", "\ufffd"]);
  });

  test("cuts at the stop string that is complete first", () => {
    expect(run([utf8("xabcd")], ["abcd", "bc"])).toEqual(["xa", ""]);
    expect(run([utf8("xabc")], ["bc", "abc"])).toEqual(["x", ""]);
  });

  test("says nothing after a stop", () => {
    const stream = new TextStream(["."]);
    expect(stream.push(utf8("one. two"))).toEqual({ text: "one" });
    expect([stream.stopped, stream.push(utf8("three")).text, stream.flush().text]).toEqual([true, "", ""]);
  });

  test("pieces together are the whole decode, cut at the stop, however the bytes are split", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "\u00e9", "\u20ac", "\u{1f600}"), maxLength: 30 });
    const stop = fc.string({ unit: fc.constantFrom("a", "b", "\u00e9"), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(text, fc.array(stop, { maxLength: 2 }), fc.array(fc.nat(4)), (whole, stops, sizes) => {
        const bytes = utf8(whole);
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = 1 + (sizes[i] ?? 0);
          chunks.push(bytes.slice(at, at + size));
          at += size;
        }
        const joined = run(chunks, stops).join("");
        expect(whole.startsWith(joined)).toBe(true);
        for (const s of stops) expect(joined).not.toContain(s);
        if (!stops.some((s) => whole.includes(s))) expect(joined).toBe(whole);
      }),
    );
  });

  test("refuses an empty stop string", () => {
    expect(() => new TextStream([""])).toThrow(/empty/);
  });
});
