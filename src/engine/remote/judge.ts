import { type BlockingHttp, failed } from "./requests.ts";

interface Choice {
  readonly index?: number;
  readonly text?: string;
  readonly logprobs?: {
    readonly tokens?: readonly string[];
    readonly top_logprobs?: readonly (Readonly<Record<string, number>> | null)[];
  } | null;
}

/** Prompts of one request, at most: servers limit their choices. */
const promptsPerRequest = 8;
const idPattern = /^token_id:(\d+)$/;

/**
 * The likeliest token after each token of each text, as the server's log probabilities of a prompt tell: `likeliest[i][j]`
 * follows token j of text i. OpenAI's `echo` with `logprobs`, and vLLM's names of tokens. Throws `remote-failed`.
 */
export function judge(http: BlockingHttp, model: string, texts: readonly (readonly number[])[]): Int32Array[] {
  const groups: (readonly number[])[][] = [];
  for (let i = 0; i < texts.length; i += promptsPerRequest) groups.push(texts.slice(i, i + promptsPerRequest));
  const answers = http.ask(groups.map((group) => ({ path: "/completions", body: bodyOf(model, group) })));
  return answers.flatMap((answer, i) => {
    const choices = [...choicesOf(answer)].sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
    if (choices.length !== groups[i].length) {
      throw failed(`The server answered ${choices.length} of ${groups[i].length} prompts in one request.`);
    }
    return groups[i].map((text, j) => likeliest(choices[j], text));
  });
}

/** How the server writes these tokens. */
export function echo(http: BlockingHttp, model: string, tokens: readonly number[]): string {
  const [answer] = http.ask([{ path: "/completions", body: bodyOf(model, [tokens]) }]);
  return choicesOf(answer)[0]?.text ?? "";
}

/**
 * A further token ends each prompt, whichever: its log probabilities are those of what follows the last one, so nothing of
 * what is generated is read.
 */
function bodyOf(model: string, texts: readonly (readonly number[])[]) {
  return {
    model,
    prompt: texts.map((text) => [...text, text[text.length - 1]]),
    max_tokens: 1,
    temperature: 0,
    echo: true,
    logprobs: 1,
    return_tokens_as_token_ids: true,
  };
}

function choicesOf(answer: unknown): readonly Choice[] {
  const { choices } = (answer ?? {}) as { choices?: unknown };
  return Array.isArray(choices) ? choices : [];
}

function likeliest({ logprobs }: Choice, text: readonly number[]): Int32Array {
  const top = logprobs?.top_logprobs;
  if (!Array.isArray(top) || top.length < text.length + 1) {
    throw failed(
      "The server gives no log probabilities of the prompt: drafts cannot be verified there. It must know `echo` with " +
        "`logprobs` on /v1/completions, as vLLM and draftwright do (llama.cpp's server does not).",
    );
  }
  return Int32Array.from(text, (_, i) => {
    let token = -1;
    let best = Number.NEGATIVE_INFINITY;
    for (const [name, logprob] of Object.entries<number>(top[i + 1] ?? {})) {
      const [, id] = idPattern.exec(name) ?? [];
      if (id === undefined) {
        throw failed(
          `The server names tokens by their text (${JSON.stringify(name)}), which several may share. It must know ` +
            "`return_tokens_as_token_ids`, as vLLM and draftwright do.",
        );
      }
      if (logprob > best || (logprob === best && Number(id) < token)) [token, best] = [Number(id), logprob];
    }
    if (token < 0)
      throw failed(`The server said nothing about place ${i + 1} of a prompt of ${text.length + 1} tokens.`);
    return token;
  });
}
