// Log probabilities as OpenAI's clients read them.
import type { GeneratedToken, Generating, TokenLogprobs, TokenProbability } from "../../engine/index.ts";

/**
 * Of the tokens that a finished text is made of: not of the end, nor of a stop string. Reads the generation's tokens.
 */
export async function textLogprobs(choice: Generating): Promise<readonly TokenLogprobs[]> {
  const held = new HeldLogprobs();
  for await (const token of choice) held.push(token);
  return held.take() ?? [];
}

/** Holds what tokens bring until their text leaves: a token may be half a character, or the beginning of a stop string. */
export class HeldLogprobs {
  #held: TokenLogprobs[] = [];
  #ready: TokenLogprobs[] = [];
  #asked = false;
  #offset = 0;

  push({ text, thinking, logprobs }: GeneratedToken): void {
    if (!logprobs) return;
    this.#asked = true;
    // Thoughts are no part of the text, nor is the tag that opened them.
    if (thinking !== undefined && text === "") {
      this.#held = [];
      return;
    }
    if (logprobs.bytes.length > 0) this.#held.push(logprobs);
    if (text === "") return;
    this.#ready.push(...this.#held);
    this.#held = [];
  }

  /** Those of the text that leaves now. Undefined where nobody asked. */
  take(): readonly TokenLogprobs[] | undefined {
    const ready = this.#ready;
    this.#ready = [];
    return this.#asked && ready.length > 0 ? ready : undefined;
  }

  takeCompletion(nameOf: NameOf) {
    const tokens = this.take();
    const logprobs = completionLogprobs(tokens, this.#offset, nameOf);
    for (const { text } of tokens ?? []) this.#offset += text.length;
    return logprobs;
  }
}

/** Of chat completions. */
export function chatLogprobs(tokens: readonly TokenLogprobs[] | undefined) {
  if (!tokens) return null;
  const one = ({ text: token, logprob, bytes }: TokenProbability) => ({ token, logprob, bytes });
  return { content: tokens.map((token) => ({ ...one(token), top_logprobs: token.top.map(one) })), refusal: null };
}

export type NameOf = (token: Pick<TokenProbability, "token" | "text">) => string;
export const textName: NameOf = ({ text }) => text;
export const idName: NameOf = ({ token }) => `token_id:${token}`;

/**
 * Of completions. `offset`: characters of the text before. `first`: a token before them of which nothing is known, as in
 * OpenAI's answers that judge a prompt.
 */
export function completionLogprobs(
  tokens: readonly TokenLogprobs[] | undefined,
  offset: number,
  nameOf: NameOf = textName,
  first?: Pick<TokenProbability, "token" | "text">,
) {
  if (!tokens) return null;
  const all = first ? [first, ...tokens] : tokens;
  const unknown = first ? [null] : [];
  let at = offset;
  return {
    tokens: all.map(nameOf),
    token_logprobs: [...unknown, ...tokens.map(({ logprob }) => logprob)],
    top_logprobs: [
      ...unknown,
      ...tokens.map(({ top }) => Object.fromEntries(top.map((one) => [nameOf(one), one.logprob]))),
    ],
    text_offset: all.map(({ text }) => {
      const start = at;
      at += text.length;
      return start;
    }),
  };
}
