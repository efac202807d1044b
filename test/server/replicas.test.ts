// Replicas share nothing: a plain balancer in front of two gives every client what one server gives, also while one leaves.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAiChunks } from "../../src/server/testing/sse.ts";
import { type ToyServer, toyServer } from "../../src/server/testing/toy-server.ts";
import { startBalancer } from "../support/balancer.ts";
import { workplace } from "../support/command.ts";
import { startServe } from "../support/serve.ts";

const ask = (url: string, content: string, max_tokens = 24) =>
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
  let replicas: ToyServer[];
  let balancer: Awaited<ReturnType<typeof startBalancer>>;
  let url: string;
  beforeAll(async () => {
    replicas = await Promise.all([toyServer(), toyServer()]);
    balancer = await startBalancer(replicas.map(({ port }) => port));
    url = balancer.url;
  });
  afterAll(async () => {
    balancer.close();
    await Promise.all(replicas.map((replica) => replica.stop()));
  });

  test("equal requests get equal texts from both", async () => {
    const texts = await Promise.all([1, 2, 3, 4].map(async () => textOf(await ask(url, "same"))));
    expect(new Set(texts).size).toBe(1);
    const counts = await Promise.all(replicas.map(async (replica) => (await replica.ask("/metrics")).text()));
    for (const text of counts) expect(text).toMatch(/vllm:generation_tokens_total\{model_name="toy"\} [1-9]/);
  });

  test("one leaves: its streams finish, and no client sees an error", async () => {
    const before = await textOf(await ask(url, "stay"));
    const running = await Promise.all([ask(url, "stay"), ask(url, "stay")]);
    const leaving = replicas[0].close(10);
    const later = await Promise.all([ask(url, "stay"), ask(url, "stay")]);
    const texts = await Promise.all([...running, ...later].map(textOf));
    expect(new Set(texts)).toEqual(new Set([before]));
    await leaving;
    expect(await textOf(await ask(url, "stay"))).toBe(before);
  });
});

describe("two processes behind a balancer", () => {
  const { env, remove } = workplace();
  afterAll(remove);

  test("SIGTERM drains one: it finishes its streams, ends with 0, and nobody is refused", async () => {
    const flags = ["--model", "tiny", "--draft-model", "tiny-draft", "--threads", "1", "--parallel", "4"];
    const replicas = await Promise.all([startServe(flags, env), startServe(flags, env)]);
    const balancer = await startBalancer(replicas.map(({ port }) => port));
    try {
      const { url } = balancer;
      const before = await textOf(await ask(url, "stay", 200));
      const running = await Promise.all([1, 2, 3, 4].map(() => ask(url, "stay", 200)));
      replicas[0].child.kill("SIGTERM");
      const later = await Promise.all([1, 2, 3, 4].map(() => ask(url, "stay", 200)));
      for (const response of [...running, ...later]) expect(response.status).toBe(200);
      expect(new Set(await Promise.all([...running, ...later].map(textOf)))).toEqual(new Set([before]));
      expect(await replicas[0].exit).toBe(0);
      expect(await textOf(await ask(url, "stay", 200))).toBe(before);
    } finally {
      balancer.close();
      for (const { child } of replicas) child.kill("SIGKILL");
    }
  });
});
