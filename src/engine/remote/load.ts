import { createHash } from "node:crypto";
import { DraftwrightError } from "../../errors.ts";
import { openGguf } from "../../ggml/gguf/index.ts";
import { type LoadOptions, openTokenizer } from "../../lm/load.ts";
import type { EngineModel } from "../runtime.ts";
import { echo, judge } from "./judge.ts";
import { readPlace } from "./place.ts";
import { RemoteModel } from "./remote-model.ts";
import { BlockingHttp, failed } from "./requests.ts";

const defaultContext = 4096;
/** Words, digits, marks and other scripts: vocabularies that cut all of it alike are the same one. */
const probe = 'The quick brown fox, 3,141.59 times: na\u00efve \u4f60\u597d {"a": [true]}\n\tend.';

interface Listed {
  readonly id: string;
  readonly max_model_len?: number;
  readonly meta?: { readonly context_length?: number } | null;
}

/**
 * A target on another server. `vocabulary`: a GGUF file of the same vocabulary, for tokens and chat template. Throws
 * `remote-failed` (no server, or one that cannot judge prompts), `vocabulary-mismatch` and what opening the file throws.
 */
export function loadRemote(name: string, vocabulary: string, { contextLength }: LoadOptions): EngineModel {
  const place = readPlace(name);
  const tokenizer = openTokenizer(vocabulary);
  const http = new BlockingHttp(place.base, process.env.DRAFTWRIGHT_REMOTE_API_KEY);
  try {
    const listed = findListed(http, place.base, place.model);
    checkVocabulary(http, listed.id, vocabulary, tokenizer);
    const longest = listed.max_model_len ?? listed.meta?.context_length ?? defaultContext;
    const model = new RemoteModel({
      http,
      model: listed.id,
      vocabSize: tokenizer.vocabSize,
      contextLength: Math.min(longest, contextLength ?? defaultContext),
    });
    return {
      path: name,
      model,
      tokenizer,
      config: { architecture: "remote", name: listed.id },
      hash: createHash("sha256").update(`${place.base}\n${listed.id}\n${tokenizer.hash}`).digest("hex"),
      chatTemplate: chatTemplateOf(vocabulary),
      threads: 1,
      device: place.base,
      greedyOnly: true,
      [Symbol.dispose]() {
        model[Symbol.dispose]();
        tokenizer[Symbol.dispose]();
      },
    };
  } catch (error) {
    http[Symbol.dispose]();
    tokenizer[Symbol.dispose]();
    throw error;
  }
}

function findListed(http: BlockingHttp, base: string, wanted: string | undefined): Listed {
  const [answer] = http.ask([{ path: "/models" }]) as [{ data?: readonly Listed[] } | null];
  const models = answer?.data;
  if (!Array.isArray(models) || models.length === 0) throw failed(`${base}/models lists no model.`);
  const found = wanted === undefined ? models[0] : models.find(({ id }) => id === wanted);
  if (found) return found;
  throw failed(`${base} has no model "${wanted}", but: ${models.map(({ id }) => id).join(", ")}.`);
}

function checkVocabulary(
  http: BlockingHttp,
  model: string,
  path: string,
  tokenizer: Pick<EngineModel["tokenizer"], "encode" | "decode">,
): void {
  const tokens = [...tokenizer.encode(probe)];
  judge(http, model, [tokens]);
  if (echo(http, model, tokens).startsWith(tokenizer.decode(tokens))) return;
  throw new DraftwrightError(
    "vocabulary-mismatch",
    `The tokens of ${path} are not those of "${model}" on the server: give a --draft-model of the same family.`,
  );
}

function chatTemplateOf(path: string): string | undefined {
  const gguf = openGguf(path);
  try {
    return gguf.metadata.string("tokenizer.chat_template");
  } finally {
    gguf.close();
  }
}
