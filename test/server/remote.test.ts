// `--model openai:URL`: drafts made here, verified by another server; our own one stands for vLLM.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { command, workplace } from "../support/command.ts";
import { type ServeProcess, startServe } from "../support/serve.ts";

const { env, remove } = workplace();
let remote: ServeProcess;
const fakes: Server[] = [];
beforeAll(async () => {
  remote = await startServe(["--model", "tiny", "--draft-model", "none", "--threads", "1"], env);
  // The command may have to be built first.
}, 120_000);
afterAll(() => {
  remote.child.kill("SIGKILL");
  for (const fake of fakes) fake.close();
  remove();
});

const prompt = "one two three one two";
const generate = async (...args: string[]) => {
  const { code, stdout, stderr } = await command(["generate", prompt, "--json", "--max-tokens", "24", ...args], env);
  return { code, stderr, result: code === 0 ? JSON.parse(stdout) : undefined };
};

/** A server that answers completions with this. */
async function fake(answer: object, status = 200): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    const isList = request.url?.endsWith("/models");
    response.writeHead(isList ? 200 : status, { "content-type": "application/json" });
    response.end(JSON.stringify(isList ? { data: [{ id: "other" }] } : answer));
  });
  fakes.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `openai:http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

describe("a remote target", () => {
  test("gives the text that it gives at home, and takes drafts", async () => {
    const { result: home } = await generate("--model", "tiny", "--draft", "off");
    const away = ["--model", `openai:${remote.url}/v1`, "--draft-model"];
    const plain = await generate(...away, "tiny-draft", "--draft", "off");
    expect(plain.result.tokenIds).toEqual(home.tokenIds);
    // The same weights draft, so that everything is accepted; then a tree, and several drafters at once.
    const drafted = await generate(...away, "tiny", "--draft", "model", "--budget", "6");
    expect(drafted.result.tokenIds).toEqual(home.tokenIds);
    expect(drafted.result.drafting.rounds).toBeLessThan(16);
    const many = await generate(
      ...away,
      "tiny,tiny-draft",
      "--draft",
      "lookup,model,cascade,ouroboros",
      "--budget",
      "9",
    );
    expect(many.result.tokenIds).toEqual(home.tokenIds);
    expect(many.result.drafting).toMatchObject({ numerics: "fast" });
    expect(many.result.drafting.accepted).toBeGreaterThan(0);
  });

  test("can be served on", async () => {
    const flags = ["--model", `openai:${remote.url}/v1#tiny`, "--draft-model", "tiny", "--threads", "1"];
    const { url, child } = await startServe(flags, env);
    try {
      const post = (body: object) =>
        fetch(`${url}/v1/completions`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ prompt, max_tokens: 24, temperature: 0, ...body }),
        });
      const texts = await Promise.all(
        [{}, { draft: "off" }].map(
          async (body) => ((await (await post(body)).json()) as { choices: object[] }).choices[0],
        ),
      );
      const { result: home } = await generate("--model", "tiny", "--draft", "off");
      for (const one of texts) expect(one).toMatchObject({ text: home.text });
      const refused = await post({ temperature: 0.7 });
      expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("a temperature above 0")]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("what cannot work is said before anything is generated", async () => {
    const says = async (pattern: RegExp, model: string, ...more: string[]) => {
      const { code, stderr } = await generate("--model", model, "--draft-model", "tiny", ...more);
      expect(stderr).toMatch(pattern);
      expect(code).toBeGreaterThan(0);
    };
    const [text, top_logprobs] = ["x", Array.from({ length: 400 }, () => ({ the: -1 }))];
    await Promise.all([
      says(/needs a model of the same family/, `openai:${remote.url}/v1`, "--draft-model", "none"),
      says(/no server: write openai:http/, "openai:gpu-box"),
      says(/has no model "big", but: default, tiny/, `openai:${remote.url}/v1#big`),
      says(/cannot be reached.*Is the server running/, "openai:http://127.0.0.1:9/v1"),
      says(/no log probabilities of the prompt/, await fake({ choices: [{ index: 0, text, logprobs: null }] })),
      says(/names tokens by their text/, await fake({ choices: [{ index: 0, text, logprobs: { top_logprobs } }] })),
      says(/answered 400.*echo is not supported/, await fake({ error: { message: "echo is not supported" } }, 400)),
      says(/wants an API key.*DRAFTWRIGHT_REMOTE_API_KEY/, await fake({}, 401)),
      says(/a temperature above 0 cannot be had/, `openai:${remote.url}/v1`, "--temperature", "0.5"),
    ]);
  });
});
