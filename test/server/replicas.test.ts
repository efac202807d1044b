// Replicas share nothing: a plain balancer in front of two gives every client what one server gives, also while one leaves.
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAiChunks } from "../../src/server/testing/sse.ts";
import { type ToyServer, toyServer } from "../../src/server/testing/toy-server.ts";

let replicas: ToyServer[];
let balancer: Server;
let url: string;

beforeAll(async () => {
  replicas = await Promise.all([toyServer(), toyServer()]);
  let turn = 0;
  balancer = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk) => chunks.push(chunk));
    incoming.on("end", () => forward(Buffer.concat(chunks), replicas.length));
    // As nginx does with proxy_next_upstream: the next one when this one is gone or says 503.
    const forward = (body: Buffer, tries: number) => {
      const { port } = replicas[turn++ % replicas.length];
      const { method, url: path, headers } = incoming;
      const upstream = request({ port, host: "127.0.0.1", method, path, headers, agent: false }, (answer) => {
        if (answer.statusCode === 503 && tries > 1) {
          answer.resume();
          return forward(body, tries - 1);
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      upstream.on("error", () => (tries > 1 ? forward(body, tries - 1) : outgoing.writeHead(502).end()));
      upstream.end(body);
    };
  });
  await new Promise<void>((resolve) => balancer.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`;
});
afterAll(async () => {
  balancer.close();
  await Promise.all(replicas.map((replica) => replica.stop()));
});

const ask = (content: string, max_tokens = 24) =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      messages: [{ role: "user", content }],
      max_tokens,
      temperature: 0.7,
      seed: 1,
      stream: true,
    }),
  });
const textOf = async (response: Response) =>
  (await openAiChunks(response)).map(({ choices }) => choices[0].delta.content ?? "").join("");

describe("two replicas behind a balancer", () => {
  test("equal requests get equal texts from both", async () => {
    const texts = await Promise.all([1, 2, 3, 4].map(async () => textOf(await ask("same"))));
    expect(new Set(texts).size).toBe(1);
    const counts = await Promise.all(replicas.map(async (replica) => (await replica.ask("/metrics")).text()));
    for (const text of counts) expect(text).toMatch(/vllm:generation_tokens_total\{model_name="toy"\} [1-9]/);
  });

  test("one leaves: its streams finish, and no client sees an error", async () => {
    const before = await textOf(await ask("stay"));
    const running = await Promise.all([ask("stay"), ask("stay")]);
    const leaving = replicas[0].close(10);
    const later = await Promise.all([ask("stay"), ask("stay")]);
    const texts = await Promise.all([...running, ...later].map(textOf));
    expect(new Set(texts)).toEqual(new Set([before]));
    await leaving;
    expect(await textOf(await ask("stay"))).toBe(before);
  });
});
