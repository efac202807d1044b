import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeRandomAdapter } from "../engine/testing/random-adapter.ts";
import { openToy } from "../engine/testing/toy-runtime.ts";
import { loadLanguageModel } from "../lm/load.ts";
import { writeRandomModel } from "../lm/testing/index.ts";
import { type ToyServer, toyServer } from "./testing/toy-server.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-server-adapter-"));
const [path, adapter] = ["target.gguf", "style.gguf"].map((name) => join(folder, name));
let server: ToyServer;
beforeAll(async () => {
  writeRandomModel(path, { architecture: "llama" });
  writeRandomAdapter(adapter, path);
  const load = { threads: 1, kvRows: 2048, adapters: [{ path: adapter, scale: 0 }] };
  server = await toyServer({ model: await openToy({ path, load }, loadLanguageModel) });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: what came over the wire, looked at by assertions
type Body = any;
const messages = [{ role: "user", content: "hello" }];

describe.each<[string, object, (body: Body) => string]>([
  ["/v1/chat/completions", { messages, max_tokens: 16 }, (body) => body.choices[0].message.content],
  ["/v1/completions", { prompt: "hello", max_tokens: 16 }, (body) => body.choices[0].text],
  ["/v1/responses", { input: "hello", max_output_tokens: 16 }, (body) => body.output[0].content[0].text],
  ["/v1/messages", { model: "default", messages, max_tokens: 16 }, (body) => body.content[0].text],
])("%s", (endpoint, ask, textOf) => {
  const run = async (more: object) => {
    const { status, body } = await server.json(endpoint, { ...ask, temperature: 0, ...more });
    return status === 200 ? textOf(body) : [status, body.error.message];
  };

  test("each request has the adapter it names, drafted or plain", async () => {
    const [none, whole, half] = await Promise.all(
      [undefined, "style", { name: "style", scale: 0.5 }].map((adapter) => run({ adapter, draft: "off" })),
    );
    expect(new Set([none, whole, half]).size).toBe(3);
    expect(await run({ adapter: false })).toBe(none);
    expect(await run({ adapter: "style", draft: { method: "lookup", budget: 4 } })).toBe(whole);
  });

  test("one that is not there is a 400", async () => {
    expect(await run({ adapter: "stile" })).toEqual([
      400,
      expect.stringMatching(/no adapter "stile"\. Adapters: style/),
    ]);
    expect(await run({ adapter: 5 })).toEqual([400, expect.stringContaining("a LoRA adapter's name")]);
  });
});
