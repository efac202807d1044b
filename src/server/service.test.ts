import { describe, expect, test } from "vitest";
import type { Model } from "../engine/index.ts";
import { openToy } from "../engine/testing/toy-runtime.ts";
import { DraftwrightError } from "../errors.ts";
import { Admission } from "./admission.ts";
import { createApp } from "./app.ts";
import { ApiKeys } from "./http/api-keys.ts";
import { ServerLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { settingsOf } from "./options.ts";
import { Run } from "./run.ts";
import { Service } from "./service.ts";
import { type ToyServer, toyServer } from "./testing/toy-server.ts";

const messages = [{ role: "user", content: "hello" }];
const endless = { messages, max_tokens: 480, logit_bias: { 257: -100 }, stream: true };

async function withServer(options: Parameters<typeof toyServer>[0], use: (server: ToyServer) => Promise<void>) {
  const server = await toyServer(options);
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

describe("admission", () => {
  test("a full house turns away with the time a turn takes; leaving twice is leaving once", async () => {
    let now = 0;
    const admission = new Admission(2, 2, () => now);
    const leave = [admission.enter(1), admission.enter(3)];
    expect([admission.running, admission.waiting]).toEqual([2, 2]);
    const refused = expect.objectContaining({ status: 429, headers: { "retry-after": "1" } });
    expect(() => admission.enter(1)).toThrow(refused);
    now = 400_000;
    leave[0]();
    leave[0]();
    expect(admission.inside).toBe(3);
    admission.enter(1);
    expect(() => admission.enter(1)).toThrow(expect.objectContaining({ headers: { "retry-after": "41" } }));
    expect(() => admission.enter(5)).toThrow(expect.objectContaining({ status: 400 }));
  });

  test("closing waits for those inside and lets nobody in", async () => {
    const admission = new Admission(1, 0);
    const leave = admission.enter(1);
    let closed = false;
    const closing = admission.close().then(() => {
      closed = true;
    });
    expect(() => admission.enter(1)).toThrow(expect.objectContaining({ status: 503 }));
    expect(closed).toBe(false);
    leave();
    await closing;
  });
});

describe("keys", () => {
  test("each key has a scope of its own, and no other has any", () => {
    const keys = new ApiKeys(["first-key", "second-key"]);
    const scopes = ["first-key", "second-key"].map((key) => keys.identify(key));
    expect(new Set(scopes).size).toBe(2);
    expect(scopes.join()).not.toContain("key");
    for (const wrong of [undefined, "", "first-ke", "first-key2"]) expect(keys.identify(wrong)).toBeUndefined();
    expect(() => new ApiKeys(["short"])).toThrow(/8 or more/);
  });

  test("both ways of sending a key work, on every path but /health", () =>
    withServer({ apiKeys: ["the-right-key"] }, async (server) => {
      const status = async (path: string, headers = {}) => (await server.ask(path, undefined, { headers })).status;
      expect(await status("/health")).toBe(200);
      for (const path of ["/v1/models", "/metrics", "/props", "/nowhere"]) expect(await status(path)).toBe(401);
      expect(await status("/v1/models", { authorization: "Bearer the-right-key" })).toBe(200);
      expect(await status("/v1/models", { "x-api-key": "the-right-key" })).toBe(200);
      expect(await status("/v1/models", { authorization: "Bearer the-wrong-key" })).toBe(401);
    }));
});

describe("operations", () => {
  test("CORS is off unless asked for", async () => {
    const origin = { origin: "https://page.example" };
    await withServer({}, async (server) => {
      const response = await server.ask("/v1/models", undefined, { headers: origin });
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    });
    await withServer({ cors: ["https://page.example"] }, async (server) => {
      const response = await server.ask("/v1/chat/completions", undefined, {
        method: "OPTIONS",
        headers: {
          ...origin,
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,x-stainless-lang",
        },
      });
      expect(response.status).toBe(204);
      expect(response.headers.get("access-control-allow-origin")).toBe("https://page.example");
      expect(response.headers.get("access-control-allow-headers")).toContain("x-stainless-lang");
      const other = await server.ask("/v1/models", undefined, { headers: { origin: "https://other.example" } });
      expect(other.headers.get("access-control-allow-origin")).toBeNull();
    });
  });

  test("logs are JSON with request ids, and have texts only when asked", async () => {
    for (const texts of [false, true]) {
      const lines: string[] = [];
      await withServer({ log: { texts, write: (line) => lines.push(line) } }, async (server) => {
        const headers = { "x-request-id": "my-id-1", authorization: "Bearer never-logged" };
        const ask = { messages: [{ role: "user", content: "a secret" }], max_tokens: 2 };
        const response = await server.ask("/v1/chat/completions", ask, { headers });
        expect(response.headers.get("x-request-id")).toBe("my-id-1");
        await response.text();
      });
      const all = lines.map((line) => JSON.parse(line));
      expect(all).toContainEqual(
        expect.objectContaining({ request_id: "my-id-1", status: 200, path: "/v1/chat/completions" }),
      );
      expect(lines.join("").includes("a secret")).toBe(texts);
      expect(lines.join("")).not.toContain("never-logged");
    }
  });

  test("metrics have the names of vLLM and llama.cpp, with drafts by position", () =>
    withServer({}, async (server) => {
      const draft = { method: "lookup", budget: 3 };
      await server.json("/v1/chat/completions", { messages, max_tokens: 60, temperature: 0, draft });
      const text = await (await server.ask("/metrics")).text();
      const value = (name: string) =>
        Number(new RegExp(`^${name.replace(/[{}]/g, "\\$&")} (\\S+)$`, "m").exec(text)?.[1]);
      expect(value('vllm:generation_tokens_total{model_name="toy"}')).toBe(60);
      expect(value("llamacpp:tokens_predicted_total")).toBe(60);
      const drafts = value('vllm:spec_decode_num_drafts_total{model_name="toy"}');
      const accepted = value('vllm:spec_decode_num_accepted_tokens_total{model_name="toy"}');
      expect(drafts).toBeGreaterThan(0);
      expect(value('vllm:spec_decode_num_draft_tokens_total{model_name="toy"}')).toBeLessThanOrEqual(3 * drafts);
      const byPosition = [0, 1, 2].map((position) =>
        value(`llamacpp:spec_decode_num_accepted_tokens_per_pos_total{position="${position}"}`),
      );
      expect(byPosition.reduce((a, b) => a + (b || 0), 0)).toBe(accepted);
      expect(value('vllm:time_to_first_token_seconds_count{model_name="toy"}')).toBe(1);
      expect(text).toContain("vllm:inter_token_latency_seconds_bucket");
      expect(value("vllm:num_requests_running")).toBe(0);
    }));

  test("an adapter that is not there, or none at all, is refused by name", () =>
    withServer({}, async (server) => {
      const ask = async (adapter: unknown) => {
        const { status, body } = await server.json("/v1/chat/completions", { messages, adapter });
        return [status, body.error.message];
      };
      expect(await ask("style")).toEqual([400, expect.stringContaining('no adapter "style"')]);
      expect(await ask(5)).toEqual([400, expect.stringContaining("a LoRA adapter's name")]);
    }));

  test("/props says what is served", () =>
    withServer({ parallel: 3 }, async (server) => {
      expect((await server.json("/props")).body).toMatchObject({ total_slots: 3, model_alias: "toy", running: 0 });
    }));

  test("a request that takes too long gets 408", async () => {
    const model = await openToy();
    let released = 0;
    const run = new Run({
      model,
      modelId: "toy",
      scope: undefined,
      metrics: new Metrics(() => ({ running: 0, waiting: 0 })),
      log: new ServerLog({ level: "silent" }),
      requestId: "id",
      client: new AbortController().signal,
      seconds: 0,
      release: () => released++,
    });
    const results = run.results([run.generate("hello", { maxTokens: 200, logitBias: { 257: -100 } })]);
    await expect(results).rejects.toMatchObject({ status: 408, code: "timeout" });
    expect(released).toBe(1);
    await model.dispose();
  });

  test("closing finishes streams that are near their end, ends others, and frees the port", async () => {
    const server = await toyServer();
    const short = await server.ask("/v1/chat/completions", { ...endless, max_tokens: 20 });
    const closing = server.stop();
    expect((await short.text()).endsWith("data: [DONE]\n\n")).toBe(true);
    await closing;
    await expect(server.ask("/health")).rejects.toThrow();
  });

  test("other models are loaded when asked for, shared, unloaded when idle, and loaded again", async () => {
    const loads: Model[] = [];
    const second = async () => {
      loads.push(await openToy({ path: "a second one" }));
      return loads[loads.length - 1];
    };
    const broken = async () => Promise.reject(new DraftwrightError("model-not-found", "There is no such file."));
    await withServer({ others: { second, broken }, idleSeconds: 0 }, async (server) => {
      const ask = (model: string) =>
        server.json("/v1/completions", { model, prompt: "a", max_tokens: 8, temperature: 0 });
      expect((await server.json("/v1/models")).body.data.map(({ id }: { id: string }) => id)).toEqual([
        "default",
        "toy",
        "second",
        "broken",
      ]);
      expect(loads).toHaveLength(0);
      const [one, two] = await Promise.all([ask("second"), ask("second")]);
      expect([one.status, one.body.model, loads.length]).toEqual([200, "second", 1]);
      expect(one.body.choices).toEqual(two.body.choices);
      expect(one.body.choices).not.toEqual((await ask("toy")).body.choices);
      await expect(loads[0].tokenize("gone")).rejects.toMatchObject({ code: "disposed" });
      expect((await ask("second")).body.choices).toEqual(one.body.choices);
      expect(loads).toHaveLength(2);
      expect((await ask("broken")).status).toBe(404);
    });
  });

  test("/health says when the server is about to leave", async () => {
    const model = await openToy();
    const service = new Service({ model, log: { level: "silent" } });
    const app = createApp(service);
    expect((await app.request("/health")).status).toBe(200);
    await service.admission.close();
    expect((await app.request("/health")).status).toBe(503);
    const headers = { "content-type": "application/json" };
    const late = await app.request("/v1/completions", { method: "POST", headers, body: '{"prompt":"a"}' });
    expect([late.status, late.headers.get("retry-after")]).toEqual([503, "5"]);
    await model.dispose();
  });

  test("options that cannot work are refused", () => {
    const model = undefined as never;
    expect(() => settingsOf({ model, parallel: 0 })).toThrow(/parallel is 0/);
    expect(() => settingsOf({ model, limits: { requestSeconds: 1e7 } })).toThrow(/from 1 to 2000000/);
    expect(() => settingsOf({ model, limits: { bodyBytes: 0.5 } })).toThrow(/limits.bodyBytes/);
  });
});
