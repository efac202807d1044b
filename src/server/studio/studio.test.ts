import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openToy } from "../../engine/testing/toy-runtime.ts";
import { type ToyServer, toyServer } from "../testing/toy-server.ts";

const key = "a-key-for-the-tests";
let server: ToyServer;
let locked: ToyServer;
const loads: { model: string; draftModels: readonly string[] | undefined }[] = [];

beforeAll(async () => {
  server = await toyServer({
    modelId: "toy",
    load: (model, draftModels) => {
      loads.push({ model, draftModels });
      return openToy();
    },
  });
  locked = await toyServer({ apiKeys: [key] });
});
afterAll(async () => {
  await server.stop();
  await locked.stop();
});

const stateChanging = ["load", "unload", "pull"].map((what) => `/studio/api/models/${what}`);

/** Server-sent events as [name, data]. */
async function eventsOf(response: Response) {
  const events = (await response.text()).split("\n\n").filter((event) => event.startsWith("event: "));
  // biome-ignore lint/suspicious/noExplicitAny: looked at by assertions
  return events.map((event): [string, any] => {
    const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) as RegExpExecArray;
    return [name, JSON.parse(data)];
  });
}

describe("the page", () => {
  test("comes at / and /studio with a policy that lets nothing in, and its files for good", async () => {
    for (const path of ["/", "/studio"]) {
      const response = await server.ask(path);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
      const etag = response.headers.get("etag") as string;
      expect((await server.ask(path, undefined, { headers: { "if-none-match": etag } })).status).toBe(304);
      const page = await response.text();
      const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file);
      expect(files.length).toBeGreaterThanOrEqual(3);
      // Inline scripts and styles would be refused by the policy.
      expect(page).not.toMatch(/<style|<script(?![^>]*src=)|style="/);
      for (const file of files) {
        const asset = await server.ask(file);
        expect(asset.status, file).toBe(200);
        expect(asset.headers.get("cache-control")).toContain("immutable");
      }
    }
  });

  test("needs no key, but its endpoints do", async () => {
    expect((await locked.ask("/")).status).toBe(200);
    for (const path of ["/studio/api/models", "/studio/api/curve", "/studio/api/pairs?target=x"]) {
      expect((await locked.ask(path)).status, path).toBe(401);
    }
    for (const path of [...stateChanging, "/studio/api/bench"]) {
      expect((await locked.ask(path, {})).status, path).toBe(401);
    }
    const headers = { authorization: `Bearer ${key}` };
    expect((await locked.ask("/studio/api/models", undefined, { headers })).status).toBe(200);
  });

  test("no path leads out of its folder", async () => {
    for (const path of ["..%2f..%2fpackage.json", "%2e%2e/index.js", "....//", "%00", "constructor", "../index.html"]) {
      expect((await server.ask(`/studio/assets/${path}`)).status, path).toBe(404);
    }
  });

  test("can be left out", async () => {
    const bare = await toyServer({ studio: false });
    for (const path of ["/", "/studio", "/studio/api/models"]) expect((await bare.ask(path)).status).toBe(404);
    await bare.stop();
  });
});

describe("other pages' scripts", () => {
  test.each([
    { origin: "https://evil.example" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ] as Record<string, string>[])("are refused: %j", async (headers) => {
    for (const path of [...stateChanging, "/studio/api/bench"]) {
      expect((await server.json(path, {}, { headers })).body.error.code, path).toBe("cross_origin");
    }
    expect((await server.ask("/studio/api/models", undefined, { headers })).status).toBe(403);
  });

  test("the own one is not, nor is what is no browser", async () => {
    for (const headers of [{ origin: server.url }, { "sec-fetch-site": "same-origin" }, {}] as Record<
      string,
      string
    >[]) {
      expect((await server.ask("/studio/api/models", undefined, { headers })).status).toBe(200);
    }
  });
});

describe("models", () => {
  test("what is served and what is at hand are listed, without paths", async () => {
    const { body } = await server.json("/studio/api/models");
    expect(body.served).toMatchObject([{ id: "toy", isDefault: true, state: "loaded", info: { numerics: "exact" } }]);
    expect(body.local).toContainEqual(expect.objectContaining({ name: "embedded-target.Q8_0", source: "embedded" }));
    expect(JSON.stringify(body)).not.toContain(process.cwd());
  });

  test("one is loaded with its drafters, answers, is not unloaded while it does, and is unloaded then", async () => {
    const names = { model: "embedded-target.Q8_0", draftModels: ["embedded-drafter2.Q8_0"] };
    const { body } = await server.json("/studio/api/models/load", names);
    const id = "embedded-target.Q8_0+embedded-drafter2.Q8_0";
    expect(body).toEqual({ id });
    expect(loads).toEqual([names]);
    const running = await server.ask("/v1/completions", { model: id, prompt: "a", max_tokens: 200, stream: true });
    expect((await server.json("/studio/api/models/unload", { model: id })).status).toBe(409);
    await running.body?.cancel();
    const state = async () => (await server.json("/studio/api/models")).body.served[1];
    while ((await state()).users > 0);
    expect((await server.json("/studio/api/models/unload", { model: id })).status).toBe(200);
    expect(await state()).toMatchObject({ id, state: "unloaded" });
    // The next request loads it again.
    const again = await server.json("/v1/completions", { model: id, prompt: "a", max_tokens: 2 });
    expect(again.status).toBe(200);
    expect(loads).toHaveLength(2);
  });

  test.each([
    ["load", { model: "/etc/passwd" }, 404],
    ["load", { model: "embedded-target.Q8_0", draftModels: ["../x.gguf"] }, 404],
    ["load", { draftModels: [] }, 400],
    ["unload", { model: "toy" }, 409],
    ["unload", { model: "default" }, 409],
    ["unload", { model: "nothing" }, 404],
    ["pull", {}, 400],
  ])("%s %j: %i", async (what, body, status) => {
    expect((await server.ask(`/studio/api/models/${what}`, body)).status).toBe(status);
  });

  test("a reference that is none ends the stream of a pull with our words", async () => {
    const events = await eventsOf(await server.ask("/studio/api/models/pull", { reference: "../../etc" }));
    expect(events).toMatchObject([["error", { error: { message: expect.stringContaining("org/name") } }]]);
  });

  test("pairs say what fits and why not", async () => {
    const { body } = await server.json("/studio/api/pairs?target=embedded-target.Q8_0");
    const fits = Object.fromEntries(body.drafters.map(({ name, fit }: { name: string; fit: string }) => [name, fit]));
    expect(fits).toMatchObject({
      "embedded-drafter.Q8_0": "same-vocabulary",
      "embedded-drafter2.Q8_0": "same-vocabulary",
    });
    expect((await server.ask("/studio/api/pairs?target=/etc/passwd")).status).toBe(404);
  });

  test("the cost curve is a grid", async () => {
    const { body } = await server.json("/studio/api/curve");
    expect(body.model).toBe("toy");
    expect(body.ms).toHaveLength(body.widths.length);
    expect(body.ms[0]).toHaveLength(body.kv.length);
    expect((await server.ask("/studio/api/curve?model=nothing")).status).toBe(404);
  });
});

describe("the benchmark", () => {
  const body = {
    methods: ["lookup"],
    prompts: [
      { prompt: "abababab", category: "one" },
      { prompt: "cdcdcdcd", category: "two" },
    ],
    maxTokens: 16,
    repeats: 2,
    temperature: 0,
  };

  test("reports as it goes, and ends with what was measured of identical texts", async () => {
    const events = await eventsOf(await server.ask("/studio/api/bench", body));
    const [name, result] = events.at(-1) as (typeof events)[number];
    expect(events.slice(0, -1).every(([event]) => event === "progress")).toBe(true);
    expect(name).toBe("done");
    expect(result).toMatchObject({ model: "toy", prompts: 2, skipped: [], differing: { lookup: 0 } });
    const { overall, subtasks } = result.methods.lookup;
    expect(Object.keys(subtasks)).toEqual(["one", "two"]);
    expect(overall.lo).toBeLessThanOrEqual(overall.hi);
    expect(overall.meanEmitted).toBeGreaterThanOrEqual(1);
  });

  test("ends when its reader leaves: the server closes at once", async () => {
    const own = await toyServer();
    const endless = { ...body, maxTokens: 400, repeats: 10 };
    const response = await own.ask("/studio/api/bench", endless);
    await response.body?.cancel();
    await own.stop();
  });

  test.each([
    [{ ...body, methods: [] }, "methods"],
    [{ ...body, prompts: [] }, "prompts"],
    [{ ...body, repeats: 1000 }, "repeats"],
  ])("what cannot be measured is refused: %#", async (wrong, param) => {
    const answer = await server.json("/studio/api/bench", wrong);
    expect([answer.status, answer.body.error.param]).toEqual([400, param]);
  });

  test("an unknown method is an error event", async () => {
    const events = await eventsOf(await server.ask("/studio/api/bench", { ...body, methods: ["magic"] }));
    expect(events).toMatchObject([["error", { error: { message: expect.stringContaining("magic") } }]]);
  });
});
