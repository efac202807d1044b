// Replicas share nothing: a balancer in front of two gives every client what one server gives, also while one leaves.
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { openAiChunks } from "../../src/server/testing/sse.ts";
import { type ToyServer, toyServer } from "../../src/server/testing/toy-server.ts";
import { startBalancer } from "../support/balancer.ts";
import { workplace } from "../support/command.ts";
import { hasNginx, startNginx } from "../support/nginx.ts";
import { startServe } from "../support/serve.ts";

const ask = (url: string, content: string, max_tokens = 24, more: object = {}, init: RequestInit = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({
      messages: [{ role: "user", content }],
      max_tokens,
      temperature: 0.7,
      seed: 1,
      stream: true,
      ...more,
    }),
    ...init,
    headers: { "content-type": "application/json", ...init.headers },
  });
const textOf = async (response: Response) =>
  (await openAiChunks(response)).map(({ choices }) => choices[0].delta.content ?? "").join("");
/** nginx sends each of these to one replica. */
const asKey = (i: number): RequestInit => ({ headers: { authorization: `Bearer key-${i}` } });
const keys = [1, 2, 3, 4, 5, 6, 7, 8];

async function running({ ask }: ToyServer): Promise<number> {
  const metrics = await (await ask("/metrics")).text();
  return Number(/vllm:num_requests_running (\d+)/.exec(metrics)?.[1]);
}

describe.each([
  { name: "a small balancer", start: startBalancer, there: true },
  { name: "nginx as the docs set it up", start: startNginx, there: hasNginx },
])("two replicas behind $name", ({ name, start, there }) => {
  describe.skipIf(!there)("in this process", () => {
    let replicas: ToyServer[];
    let balancer: Awaited<ReturnType<typeof start>>;
    let url: string;
    beforeEach(async () => {
      replicas = await Promise.all([1, 2].map(() => toyServer({ parallel: 8, queue: 0 })));
      balancer = await start(replicas.map(({ port }) => port));
      url = balancer.url;
    });
    afterEach(async () => {
      await balancer.close();
      await Promise.all(replicas.map((replica) => replica.stop()));
    });

    test("equal requests get equal texts from both", async () => {
      const texts = await Promise.all(keys.map(async (key) => textOf(await ask(url, "same", 24, {}, asKey(key)))));
      expect(new Set(texts).size).toBe(1);
      const counts = await Promise.all(replicas.map(async (replica) => (await replica.ask("/metrics")).text()));
      for (const text of counts) expect(text).toMatch(/vllm:generation_tokens_total\{model_name="toy"\} [1-9]/);
    });

    test("one leaves: its streams finish, and no client sees an error", async () => {
      const before = await textOf(await ask(url, "stay"));
      const some = (all: readonly number[]) => Promise.all(all.map((key) => ask(url, "stay", 24, {}, asKey(key))));
      const running = await some(keys.slice(0, 4));
      const leaving = replicas[0].close(10);
      const later = await some(keys.slice(0, 4));
      const texts = await Promise.all([...running, ...later].map(textOf));
      expect(new Set(texts)).toEqual(new Set([before]));
      await leaving;
      expect(await Promise.all((await some(keys)).map(textOf))).toEqual(keys.map(() => before));
    });

    test("streams come as they are written, and a client that leaves ends its generation", async () => {
      const controller = new AbortController();
      const endless = { logit_bias: { 257: -100 }, temperature: 0 };
      const response = await ask(url, "long", 490, endless, { signal: controller.signal });
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const first = await reader.read();
      expect(new TextDecoder().decode(first.value)).not.toContain("[DONE]");
      controller.abort();
      await reader.read().catch(() => {});
      while ((await Promise.all(replicas.map(running))).some((count) => count > 0));
      const metrics = await Promise.all(replicas.map(async (replica) => (await replica.ask("/metrics")).text()));
      expect(metrics.join()).toContain('draftwright:generations_failed_total{model_name="toy",code="aborted"} 1');
    });

    test.runIf(name.startsWith("nginx"))(
      "a full replica's requests go to the other; 429 only when both are",
      async () => {
        const controller = new AbortController();
        const endless = { logit_bias: { 257: -100 }, temperature: 0, n: 8 };
        const long = (server: { url: string }) => ask(server.url, "long", 490, endless, { signal: controller.signal });
        const holding = [await long(replicas[0])];
        for (const key of keys) expect((await ask(url, "x", 2, {}, asKey(key))).status).toBe(200);
        holding.push(await long(replicas[1]));
        for (const key of keys) {
          const { status, headers } = await ask(url, "x", 2, {}, asKey(key));
          expect([status, headers.get("retry-after")]).toEqual([429, expect.any(String)]);
        }
        controller.abort();
        await Promise.all(holding.map((response) => response.text().catch(() => {})));
      },
    );
  });

  describe.skipIf(!there)("in processes of their own", () => {
    const { env, remove } = workplace();
    afterAll(remove);

    test("SIGTERM drains one: it finishes its streams, ends with 0, and nobody is refused", async () => {
      const flags = ["--model", "tiny", "--draft-model", "tiny-draft", "--threads", "1", "--parallel", "4"];
      const replicas = await Promise.all([startServe(flags, env), startServe(flags, env)]);
      const balancer = await start(replicas.map(({ port }) => port));
      try {
        const { url } = balancer;
        const some = (all: readonly number[]) => Promise.all(all.map((key) => ask(url, "stay", 200, {}, asKey(key))));
        const before = await textOf(await ask(url, "stay", 200));
        const running = await some(keys.slice(0, 4));
        replicas[0].child.kill("SIGTERM");
        const later = await some(keys.slice(0, 4));
        for (const response of [...running, ...later]) expect(response.status).toBe(200);
        expect(new Set(await Promise.all([...running, ...later].map(textOf)))).toEqual(new Set([before]));
        expect(await replicas[0].exit).toBe(0);
        expect(await textOf(await ask(url, "stay", 200))).toBe(before);
      } finally {
        await balancer.close();
        for (const { child } of replicas) child.kill("SIGKILL");
      }
    });
  });
});
