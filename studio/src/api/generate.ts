// One generation over the server's public endpoints, as a stream of tokens and rounds.
import type { RoundEvent } from "../../../src/server/round-events.ts";
import { ask, eventsOf, messageOf, Refused } from "./client.ts";

export type Round = RoundEvent;

export interface Token {
  readonly text: string;
  readonly source: string;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

export type GenerationEvent =
  | { readonly type: "token"; readonly token: Token }
  | { readonly type: "round"; readonly round: Round }
  | { readonly type: "finish"; readonly reason: string }
  | { readonly type: "usage"; readonly usage: Usage };

interface Chunk {
  readonly choices: readonly {
    readonly delta?: { readonly content?: string; readonly reasoning_content?: string };
    readonly text?: string;
    readonly source?: string;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Usage | null;
  readonly draftwright?: { readonly round: Round };
  readonly error?: object;
}

/** Posts a chat (`messages`) or a completion (`prompt`). Thoughts come in the model's own tags. Throws `Refused`; aborting throws AbortError. */
export async function* generate(body: object, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
  const path = "messages" in body ? "/v1/chat/completions" : "/v1/completions";
  const asked = { ...body, stream: true, stream_options: { include_usage: true } };
  let thinks = false;
  for await (const { data } of eventsOf(await ask(path, asked, signal))) {
    if (data === "[DONE]") return;
    const { choices, usage, draftwright, error } = JSON.parse(data) as Chunk;
    if (error) throw new Refused(500, messageOf(data) ?? data);
    if (draftwright) yield { type: "round", round: draftwright.round };
    if (usage) yield { type: "usage", usage };
    const choice = choices[0];
    if (!choice) continue;
    const thought = choice.delta?.reasoning_content;
    let text = choice.delta?.content ?? choice.text ?? "";
    if (thought) text = thinks ? thought : `<think>\n${thought}`;
    else if (thinks && text !== "") text = `\n</think>\n\n${text}`;
    thinks = thought ? true : thinks && text === "";
    if (text !== "") yield { type: "token", token: { text, source: choice.source ?? "target" } };
    if (choice.finish_reason) yield { type: "finish", reason: choice.finish_reason };
  }
}
