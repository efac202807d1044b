import type { CurveGrid } from "../drafting/index.ts";
import { DraftwrightError } from "../errors.ts";
import { type ChatMessage, type ChatTemplate, createChatTemplate } from "../lm/chat-template.ts";
import type { Connection } from "./connection.ts";
import { ControlMarks } from "./prompt-segments.ts";
import type { Embedded, ModelInfo, ProfileReport } from "./protocol.ts";
import type { GenerateOptions, Prompt, WirePrompt } from "./request.ts";
import { Requests } from "./requests.ts";
import { type EmbeddingInput, startEmbedding } from "./start-embedding.ts";
import { startGeneration } from "./start-generation.ts";
import type { Generating } from "./streaming-result.ts";
import { thinkingOf } from "./thoughts.ts";

export interface ProfileOptions {
  readonly widths?: readonly number[];
  readonly kv?: readonly number[];
  /** Passes over the grid; the fastest counts. Default 3. */
  readonly repeats?: number;
  readonly onProgress?: (share: number) => void;
}

/** A loaded model, on a thread of its own. Any number of generations may run at once: they take turns, round by round. */
export class Model {
  readonly info: ModelInfo;
  readonly #requests: Requests;
  readonly #template: ChatTemplate;

  /** @internal Use `loadModel`. */
  static async open(connection: Connection): Promise<Model> {
    const requests = new Requests(connection);
    return new Model(await requests.ready, requests);
  }

  private constructor(info: ModelInfo, requests: Requests) {
    this.info = info;
    this.#requests = requests;
    const { template, bosToken, eosToken, isChatMl } = info.chat;
    this.#template = createChatTemplate({ template, bosToken, eosToken, hasToken: () => isChatMl });
  }

  /**
   * Starts at once; iterate the tokens, await `result`, or both. Leaving the loop early ends the generation. Bad arguments
   * throw here, everything later rejects: `context-overflow`, `aborted`, `disposed`.
   */
  generate(prompt: Prompt, options: GenerateOptions = {}): Generating {
    return startGeneration(this.#requests, this.info.loadMs, this.#toWire(prompt), options);
  }

  /** Token ids of a text or a conversation as a prompt: with the begin-of-text token where the model wants one. */
  async tokenize(prompt: Prompt): Promise<Int32Array> {
    return this.#requests.call({ method: "encode", prompt: await this.#toWire(prompt) });
  }

  /**
   * One vector of length 1 for each text: the mean of the hidden states of its tokens after the final norm. Rejects like
   * `generate`.
   */
  async embed(texts: readonly EmbeddingInput[], options: { readonly signal?: AbortSignal } = {}): Promise<Embedded> {
    const prompts = await Promise.all(texts.map((text) => this.#toWire(text)));
    return startEmbedding(this.#requests, prompts, options.signal);
  }

  detokenize(tokens: ArrayLike<number>): Promise<string> {
    return this.#requests.call({ method: "decode", tokens: Int32Array.from(tokens) });
  }

  /** Why conversations go through a stand-in for the chat template that the model does not have, if so. */
  get chatNotice(): string | undefined {
    return this.#template.notice;
  }

  /** The prompt that a conversation becomes. Throws `bad-argument` when the model's template refuses it. */
  applyChatTemplate(messages: readonly ChatMessage[], tools?: readonly unknown[]): Promise<string> {
    return this.#template.render(messages, { tools });
  }

  /** Measures the cost curve with care, keeps it for later runs, and checks that wide forwards equal narrow ones. */
  profile(options: ProfileOptions = {}): Promise<ProfileReport> {
    const { widths = [1, 2, 3, 4, 6, 8, 12, 16], kv = [0, 256, 1024], repeats = 3, onProgress } = options;
    return this.#requests.call({ method: "profile", widths, kv, repeats }, onProgress);
  }

  /** What forwards cost, as known by now: measured when the model was first loaded, corrected by every round since. */
  costCurve(): Promise<CurveGrid> {
    return this.#requests.call({ method: "costCurve" });
  }

  /** Ends running generations with `disposed`, saves what was learned, and frees the memory. */
  async dispose(): Promise<void> {
    await this.#requests.close(new DraftwrightError("disposed", "The model is disposed. Load it again."));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #toWire(prompt: Prompt): WirePrompt | Promise<WirePrompt> {
    if (typeof prompt === "string") return { segments: [{ text: prompt, special: false }] };
    if ("tokens" in prompt) return { tokens: Int32Array.from(prompt.tokens) };
    const marks = new ControlMarks(prompt, this.info.chat.controlTexts);
    const { messages, tools, variables } = marks.mark(prompt);
    const { template } = this.info.chat;
    return this.#template
      .render(messages, { tools, variables })
      .then((text) => ({ segments: marks.split(text), thinking: thinkingOf(template, text) }));
  }
}

/** `model.generate`, as a function. */
export function generate(model: Model, prompt: Prompt, options?: GenerateOptions): Generating {
  return model.generate(prompt, options);
}
