// `npm run bench:server`: `draftwright serve` in a process of its own. One user against `generate` in a process; many streams,
// each of which must be what it is alone; drafting on against off under load; the first token of a prompt whose beginning is
// known; llama.cpp's server with the same file, where its binary is named (--llama-server or DRAFTWRIGHT_LLAMA_SERVER).
// Prints one JSON object; exits 1 on an error or a stream that differs.
import { parseArgs } from "node:util";
import { loadModel } from "../engine/index.ts";
import { machine } from "./harness/machine.ts";
import { againstLlama, draftingUnderLoad, firstToken, manyUsers, oneUser, requestsFor } from "./serving/cases.ts";
import { llamaVersion, startDraftwright } from "./serving/processes.ts";

const cases = ["one", "many", "drafting", "first-token", "llama"] as const;
const { values: flags } = parseArgs({
  options: {
    model: { type: "string" },
    threads: { type: "string" },
    streams: { type: "string", default: "32" },
    /** Of the long run of many streams. */
    seconds: { type: "string", default: "60" },
    tokens: { type: "string", default: "64" },
    /** Of a block of what is compared block by block. */
    block: { type: "string", default: "8" },
    pairs: { type: "string", default: "5" },
    cases: { type: "string", default: cases.join() },
    "llama-server": { type: "string", default: process.env.DRAFTWRIGHT_LLAMA_SERVER },
  },
});
const [streams, maxTokens, block, pairs] = [flags.streams, flags.tokens, flags.block, flags.pairs].map(Number);
const wanted = flags.cases.split(",");
const odd = wanted.find((name) => !(cases as readonly string[]).includes(name));
if (odd !== undefined) throw new Error(`There is no case "${odd}": ${cases.join(", ")}.`);
const has = (name: (typeof cases)[number]) => wanted.includes(name);
const binary = flags["llama-server"];

const threads = flags.threads === undefined ? undefined : Number(flags.threads);
const model = await loadModel({ model: flags.model, threads });
const { info } = model;
const options = { model: flags.model, threads: info.threads, parallel: streams };
const server = await startDraftwright({ ...options, context: 1024 });
try {
  const requests = requestsFor(streams, maxTokens);
  const { alone, report: one } = await oneUser(server.url, model, requests);
  await model.dispose();
  const many = has("many") && (await manyUsers(server.url, requests, Number(flags.seconds), alone));
  const report = {
    machine: machine(),
    model: flags.model === undefined ? "embedded" : info.name,
    numerics: info.numerics,
    threads: info.threads,
    streams,
    maxTokens,
    oneUser: one,
    ...(many && { manyUsers: many }),
    ...(has("drafting") && { drafting: await draftingUnderLoad(server.url, 16, maxTokens, block, pairs) }),
    ...(has("first-token") && { firstToken: await firstToken(options, info.vocabSize, 4 * pairs) }),
    ...(has("llama") &&
      binary !== undefined && {
        llama: {
          version: llamaVersion(binary),
          ...(await againstLlama(server, binary, { ...options, model: info.path }, maxTokens, block, pairs)),
        },
      }),
  };
  console.log(JSON.stringify(report, null, 2));
  process.exitCode = many && many.errors + many.different > 0 ? 1 : 0;
} finally {
  server.stop();
}
