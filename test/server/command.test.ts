// `draftwright serve` as a user runs it: the committed shim, a process of its own, a generated model.
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { writeRandomAdapter } from "../../src/engine/testing/random-adapter.ts";
import { command, workplace } from "../support/command.ts";
import { startServe } from "../support/serve.ts";

const { folder, env, remove } = workplace();
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  remove();
});

/** Starts it and waits for the address. */
async function start(...flags: string[]) {
  const started = await startServe(["--model", "tiny", "--draft-model", "tiny-draft", "--threads", "1", ...flags], env);
  children.push(started.child);
  return started;
}

const post = (url: string, body: object, headers: object = {}) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

describe("draftwright serve", () => {
  test("plans its memory, and refuses what cannot fit before anything is loaded", async () => {
    const args = ["serve", "--model", "tiny", "--draft-model", "tiny-draft", "--parallel"];
    const { code, stdout } = await command([...args, "3", "--plan"], env);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^3 at once, context 512\nmodel: weights +\d+ MiB\n/)]);
    expect(stdout).toMatch(/drafter: keys and values of 4608 tokens[\s\S]*together +\d+ MiB\nmay be used/);
    const refused = await command([...args, "900000000"], env);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/may be used[\s\S]*Use fewer --parallel/);
  });

  test("an adapter of the default model is planned for it, and kept from the others", async () => {
    const style = join(folder, "style.gguf");
    writeRandomAdapter(style, join(folder, "tiny.gguf"));
    const { stdout } = await command(["serve", "--model", "tiny", "--lora", `${style}=0`, "--plan"], env);
    expect(stdout).toMatch(/model: weights.*\nadapter style +\d+ MiB\n/);
    const { url, child, exit } = await start("--lora", `${style}=0`, "--also", "tiny-draft");
    const ask = (model: string, adapter?: string) =>
      post(`${url}/v1/completions`, { model, prompt: "a", max_tokens: 2, adapter }).then(({ status }) => status);
    expect(await Promise.all([ask("tiny", "style"), ask("tiny-draft"), ask("tiny-draft", "style")])).toEqual([
      ...[200, 200, 400],
    ]);
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
  });

  test("says where it listens, answers, and finishes streams before it ends", async () => {
    const { url, child, exit, stderr, stdout } = await start();
    expect(stderr()).toBe(`listening on ${url}\n`);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const body = { model: "default", prompt: "one two three one two", max_tokens: 40, temperature: 0 };
    const whole = await (await post(`${url}/v1/completions`, body)).json();
    const streaming = await post(`${url}/v1/completions`, { ...body, stream: true });
    child.kill("SIGTERM");
    const text = await streaming.text();
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    const events = text.split("\n\n").filter((event) => event.startsWith("data: {"));
    const streamed = events.map((event) => JSON.parse(event.slice(6)).choices[0].text).join("");
    expect(streamed).toBe((whole as { choices: { text: string }[] }).choices[0].text);
    expect(await exit).toBe(0);
    expect(stdout()).toBe("");
  });

  test("keys come from a file or the environment and never show in the log", async () => {
    const file = join(folder, "keys");
    writeFileSync(file, "# mine\nsecret-key-one\n");
    Object.assign(env, { DRAFTWRIGHT_API_KEYS: "secret-key-two" });
    const { url, child, exit, stderr } = await start("--api-key-file", file, "--log-level", "info");
    Object.assign(env, { DRAFTWRIGHT_API_KEYS: undefined });
    const ask = (key: string) =>
      post(`${url}/v1/completions`, { prompt: "a", max_tokens: 1 }, { authorization: `Bearer ${key}` });
    expect((await ask("secret-key-one")).status).toBe(200);
    expect((await ask("secret-key-two")).status).toBe(200);
    expect((await ask("secret-key-three")).status).toBe(401);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    child.kill("SIGINT");
    expect(await exit).toBe(0);
    expect(stderr()).toContain('"status":200');
    expect(stderr()).not.toContain("secret-key");
  });

  test("says loudly when others can reach it", async () => {
    const { child, exit, stderr } = await start("--host", "0.0.0.0");
    expect(stderr()).toMatch(/^WARNING: 0\.0\.0\.0 can be reached from other machines.*WITHOUT ANY KEY/);
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
  });

  test("killed without warning, it starts again at the same address", async () => {
    const first = await start();
    const { port } = new URL(first.url);
    const streaming = await post(`${first.url}/v1/completions`, { prompt: "a", max_tokens: 400, stream: true });
    first.child.kill("SIGKILL");
    await streaming.text().catch(() => {});
    await first.exit;
    const second = await start("--port", port);
    expect(second.url).toBe(first.url);
    expect((await post(`${second.url}/v1/completions`, { prompt: "a", max_tokens: 2 })).status).toBe(200);
    second.child.kill("SIGTERM");
    expect(await second.exit).toBe(0);
  });

  test("a model of --also that is not there is said at the start", async () => {
    await expect(start("--also", "tiny-draft,tinny")).rejects.toThrow(/There is no model "tinny".*Did you mean/);
  });

  test("a port in use is said, not crashed upon", async () => {
    const { url, child } = await start();
    await expect(start("--port", new URL(url).port)).rejects.toThrow(/ended with 2: draftwright: Cannot listen on/);
    child.kill("SIGTERM");
  });
});
