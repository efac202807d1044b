// The items of a response, as they come: thoughts, messages, calls. Whole answers and streams are made of the same ones.
import { randomUUID } from "node:crypto";
import type { GeneratedToken } from "../../engine/index.ts";
import { sseEvent } from "../http/sse.ts";
import { type OutputPart, type OutputReader, partsOf } from "../tools/index.ts";
import { chatLogprobs, HeldLogprobs } from "./logprobs.ts";

type Status = "in_progress" | "completed" | "incomplete";

interface TextPart {
  readonly type: "output_text";
  readonly text: string;
  readonly annotations: readonly object[];
  readonly logprobs: readonly object[];
}

/** What was thought has the form of OpenAI's open models: it is no summary. */
export type OutputItem = { readonly id: string; readonly status: Status } & (
  | { readonly type: "message"; readonly role: "assistant"; readonly content: TextPart[] }
  | { readonly type: "function_call"; readonly call_id: string; readonly name: string; readonly arguments: string }
  | {
      readonly type: "reasoning";
      readonly summary: readonly object[];
      readonly content: { readonly type: "reasoning_text"; readonly text: string }[];
    }
);

interface OpenItem {
  readonly type: "reasoning" | "message";
  readonly id: string;
  text: string;
  readonly logprobs: object[];
}

export function newId(kind: string): string {
  return `${kind}_${randomUUID().replaceAll("-", "")}`;
}

/** Takes tokens and gives server-sent events; `output` has the items that are complete. */
export class ResponseItems {
  readonly output: OutputItem[] = [];
  readonly #reader: OutputReader;
  readonly #logprobs = new HeldLogprobs();
  #open: OpenItem | undefined;
  #number = 0;

  constructor(reader: OutputReader) {
    this.#reader = reader;
  }

  /** An event with its number in the stream. */
  event(type: string, data: object): string {
    return sseEvent({ type, sequence_number: this.#number++, ...data }, type);
  }

  push(token: GeneratedToken): string {
    this.#logprobs.push(token);
    return partsOf(this.#reader, token)
      .map((part) => this.#write(part))
      .join("");
  }

  /** A response has a message, empty if need be, or a call. `status`: of the item that is open. */
  end(status: Status): string {
    const rest = this.#reader.end().map((part) => this.#write(part));
    const isMissing = this.#open?.type !== "message" && this.output.every(({ type }) => type === "reasoning");
    const last = isMissing ? this.#close(status) + this.#begin("message") : "";
    return [...rest, last, this.#close(status)].join("");
  }

  #write(part: OutputPart): string {
    if (part.type === "tool-call") return this.#close("completed") + this.#call(part);
    const type = part.type === "text" ? "message" : "reasoning";
    const before = this.#open?.type === type ? "" : this.#close("completed") + this.#begin(type);
    const open = this.#open as OpenItem;
    open.text += part.text;
    if (type === "reasoning")
      return before + this.event("response.reasoning_text.delta", this.#at({ delta: part.text }));
    const logprobs = chatLogprobs(this.#logprobs.take())?.content ?? [];
    open.logprobs.push(...logprobs);
    return before + this.event("response.output_text.delta", this.#at({ delta: part.text, logprobs }));
  }

  /** Where the only content of the open item is. */
  #at<T extends object>(more: T) {
    return { item_id: this.#open?.id, output_index: this.output.length, content_index: 0, ...more };
  }

  #begin(type: OpenItem["type"]): string {
    this.#open = { type, id: newId(type === "message" ? "msg" : "rs"), text: "", logprobs: [] };
    const item = { ...this.#item("in_progress"), content: [] };
    const added = this.event("response.output_item.added", { output_index: this.output.length, item });
    if (type === "reasoning") return added;
    return added + this.event("response.content_part.added", this.#at({ part: textPart("", []) }));
  }

  #close(status: Status): string {
    if (!this.#open) return "";
    const { type, text, logprobs } = this.#open;
    const done =
      type === "reasoning"
        ? this.event("response.reasoning_text.done", this.#at({ text }))
        : this.event("response.output_text.done", this.#at({ text, logprobs })) +
          this.event("response.content_part.done", this.#at({ part: textPart(text, logprobs) }));
    const item = this.#item(status);
    this.#open = undefined;
    return done + this.#add(item);
  }

  #call({ id: call_id, name, arguments: given }: Extract<OutputPart, { type: "tool-call" }>): string {
    // Log probabilities are those of texts.
    this.#logprobs.take();
    const item = {
      type: "function_call",
      id: newId("fc"),
      call_id,
      name,
      arguments: given,
      status: "completed",
    } as const;
    const at = { item_id: item.id, output_index: this.output.length };
    return (
      this.event("response.output_item.added", {
        output_index: at.output_index,
        item: { ...item, arguments: "", status: "in_progress" },
      }) +
      this.event("response.function_call_arguments.delta", { ...at, delta: given }) +
      this.event("response.function_call_arguments.done", { ...at, name, arguments: given }) +
      this.#add(item)
    );
  }

  #add(item: OutputItem): string {
    this.output.push(item);
    return this.event("response.output_item.done", { output_index: this.output.length - 1, item });
  }

  /** The open one. */
  #item(status: Status): OutputItem {
    const { type, id, text, logprobs } = this.#open as OpenItem;
    if (type === "message") return { type, id, status, role: "assistant", content: [textPart(text, logprobs)] };
    return { type, id, status, summary: [], content: [{ type: "reasoning_text", text }] };
  }
}

const textPart = (text: string, logprobs: readonly object[]): TextPart => ({
  type: "output_text",
  text,
  annotations: [],
  logprobs,
});
