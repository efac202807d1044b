import { setImmediate as immediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { sseEvent, sseResponse } from "./sse.ts";

function watched(source: AsyncGenerator<string>, stallMs = 60_000) {
  const calls: string[] = [];
  let ended!: () => void;
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const response = sseResponse(source, {
    stallMs,
    onCancel: () => calls.push("cancel"),
    onError: (error) => sseEvent({ error: (error as Error).message }),
    onEnd: () => {
      calls.push("end");
      ended();
    },
  });
  return { response, calls, end };
}

async function* endless() {
  for (let i = 0; ; i++) yield sseEvent(String(i));
}

describe("server-sent events", () => {
  test("a stream ends once; an error is its last event", async () => {
    const { response, calls } = watched(
      (async function* () {
        yield sseEvent({ a: "x\ny" }, "named");
        throw new Error("broke");
      })(),
    );
    expect(await response.text()).toBe('event: named\ndata: {"a":"x\\ny"}\n\ndata: {"error":"broke"}\n\n');
    expect(calls).toEqual(["end"]);
  });

  test("nothing is produced ahead of the reader", async () => {
    let produced = 0;
    const { response } = watched(
      (async function* () {
        for (;;) yield sseEvent(String(produced++));
      })(),
    );
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.read();
    await immediate();
    expect(produced).toBeLessThanOrEqual(3);
    await reader.cancel();
  });

  test("a reader that leaves, and one that stops reading, end the source", async () => {
    const left = watched(endless());
    const reader = (left.response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    expect(left.calls).toEqual(["cancel", "end"]);

    const stalled = watched(endless(), 5);
    const slow = (stalled.response.body as ReadableStream<Uint8Array>).getReader();
    await slow.read();
    await stalled.end;
    expect(stalled.calls).toEqual(["cancel", "end"]);
    await expect(slow.read()).rejects.toThrow(/stopped reading/);
  });
});
