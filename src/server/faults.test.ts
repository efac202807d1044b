// Clients that break off, lie, stall and flood: always a clean answer, never a crash, and no KV row is lost.
import { connect, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openToy } from "../engine/testing/toy-runtime.ts";
import { chatBodies } from "./testing/bodies.ts";
import { type ToyServer, toyServer } from "./testing/toy-server.ts";

/** `npm run fuzz:server` sets more. */
const runs = Number(process.env.DRAFTWRIGHT_FUZZ_RUNS ?? 300);
let server: ToyServer;
const contextLength = 256;
const messages = [{ role: "user", content: "hello" }];

beforeAll(async () => {
  // Room for exactly one full context: a single row that leaks makes the last test fail.
  const model = await openToy({ load: { contextLength, kvRows: contextLength } });
  server = await toyServer({ model, limits: { receiveSeconds: 1, bodyBytes: 100_000 }, parallel: 8, queue: 1000 });
});
afterAll(() => server.stop());

/** Sends these bytes and gives all that comes back until the other side closes. */
function raw(bytes: string, then?: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(server.port, "127.0.0.1", () => {
      socket.write(bytes);
      then?.(socket);
    });
    socket.setEncoding("utf8").on("data", (text) => {
      answer += text;
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" ? resolve(answer) : reject(error),
    );
  });
}

/** What is in use after a full collection. */
function heapMB(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed / 1e6;
}

const post = (length: number | string) =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

describe("faults", () => {
  test("clients leave at random tokens of their streams", async () => {
    const leave = async (after: number) => {
      const controller = new AbortController();
      const body = { messages, max_tokens: 200, temperature: 1, logit_bias: { 257: -100 }, stream: true };
      try {
        const response = await server.ask("/v1/chat/completions", body, { signal: controller.signal });
        let events = 0;
        for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
          events += Buffer.from(chunk).toString().split("\n\n").length - 1;
          if (events > after) controller.abort();
        }
      } catch (error) {
        if (!controller.signal.aborted) throw error;
      }
    };
    const random = fc.sample(fc.nat(60), { numRuns: Math.ceil(runs / 10), seed: 5 });
    for (let at = 0; at < random.length; at += 10) await Promise.all(random.slice(at, at + 10).map(leave));
  });

  test("clients that leave before the answer, or while they wait", async () => {
    const body = JSON.stringify({ messages, max_tokens: 200 });
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        raw(post(body.length) + body, (socket) => setTimeout(() => socket.destroy(), i)),
      ),
    );
  });

  test("10 MB bodies, announced and unannounced", async () => {
    const big = JSON.stringify({ messages: [{ role: "user", content: "x".repeat(10_000_000) }] });
    const announced = await raw(post(big.length) + big.slice(0, 1000));
    expect(announced).toMatch(/^HTTP\/1\.1 413 .*"request_too_large"/s);
    const chunked = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`;
    const piece = `${(50_000).toString(16)}\r\n${"x".repeat(50_000)}\r\n`;
    expect(await raw(chunked + piece.repeat(4))).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("slow and broken senders are cut off with a 4xx", async () => {
    const [headers, body, garbage, huge] = await Promise.all([
      raw("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"),
      raw(`${post(100)}{"messages"`),
      raw("GIMME /v1\r\n\r\n"),
      raw(`GET /health HTTP/1.1\r\nhost: x\r\nx-junk: ${"j".repeat(20_000)}\r\n\r\n`),
    ]);
    expect(headers).toMatch(/^HTTP\/1\.1 408 /);
    expect(body).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(garbage).toMatch(/^HTTP\/1\.1 400 /);
    expect(huge).toMatch(/^HTTP\/1\.1 431 /);
  });

  test("odd paths lead nowhere", async () => {
    const paths = [
      "/../../etc/passwd",
      "/v1/models/..%2f..%2fetc%2fpasswd",
      "/%00",
      "/v1/%ff",
      "//v1//models",
      `/${"a/".repeat(3000)}`,
    ];
    for (const path of paths) {
      const answer = await raw(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      expect(answer, path).toMatch(/^HTTP\/1\.1 4\d\d /);
    }
  });

  test("bodies made from the schema, right and wrong: 200 or a clean 4xx, and no memory is kept", async () => {
    const statuses = new Map<number, number>();
    const flood = (numRuns: number, seed: number) =>
      fc.assert(
        fc.asyncProperty(chatBodies, async ({ path, body }) => {
          const response = await server.ask(path, body);
          const text = await response.text();
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
          if (response.status === 200) return;
          expect(response.status).toBeGreaterThanOrEqual(400);
          expect(response.status, text).toBeLessThan(500);
          expect(JSON.parse(text).error.message).toEqual(expect.any(String));
        }),
        { numRuns, seed },
      );
    await flood(Math.ceil(runs / 4), 11);
    const before = heapMB();
    await flood(Math.ceil((3 * runs) / 4), 12);
    expect(heapMB() - before).toBeLessThan(10);
    // Both kinds of bodies are among them, or this proves little.
    expect(statuses.get(200)).toBeGreaterThan(20);
    expect(statuses.get(400)).toBeGreaterThan(20);
  });

  test("no row has leaked: one request can still have the whole context", async () => {
    const { status, body } = await server.json("/v1/chat/completions", { messages, logit_bias: { 257: -100 } });
    expect(status).toBe(200);
    expect(body.usage.total_tokens).toBe(contextLength);
    const metrics = await (await server.ask("/metrics")).text();
    expect(metrics).toMatch(/^vllm:num_requests_running 0$/m);
    expect(metrics).toMatch(/^draftwright:generations_failed_total\{model_name="toy",code="aborted"\} [1-9]/m);
  });
});
