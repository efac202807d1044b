// Chat templates: messages to one prompt string, with the Jinja template that the model file carries.
// The template is a program from a stranger. It runs in a worker with a heap limit, and a render that takes too long ends
// with its worker: neither an endless loop nor exponential data can stop or kill the process (node:vm bounds time only).
// What is not here: tokenizing the prompt, and reading the template out of a GGUF.

import { createRequire } from "node:module";
import { type MessagePort, Worker } from "node:worker_threads";
import { DraftwrightError } from "../errors.ts";

export interface ChatMessage {
  role: "system" | "user" | "assistant" | "tool";
  content: string | null;
  name?: string;
  /** What the assistant thought, for templates that want to see it again. */
  reasoning_content?: string;
  /** OpenAI's form. `arguments` given as JSON text are parsed, because templates serialise them themselves. */
  tool_calls?: readonly { id?: string; type?: string; function: { name: string; arguments: unknown } }[];
  tool_call_id?: string;
}

export interface ChatTemplateSource {
  /** `tokenizer.chat_template` of the model file; a fallback is used when absent or blank. */
  template?: string;
  /** Text of the special tokens, "" when the model has none. */
  bosToken: string;
  eosToken: string;
  /** Whether the vocabulary has this special token; decides which fallback fits. */
  hasToken?: (text: string) => boolean;
}

export interface RenderOptions {
  /** Ends the prompt with the opening of the assistant's turn. Default true. */
  addGenerationPrompt?: boolean;
  /** Tool definitions in OpenAI's form. */
  tools?: readonly unknown[];
  /** What `strftime_now` shows; default the current time. */
  now?: Date;
  /** Further variables some templates read, e.g. { enable_thinking: false }. */
  variables?: Readonly<Record<string, unknown>>;
  /** Wall-clock limit of this render, default 5000. */
  timeoutMs?: number;
}

export interface ChatTemplate {
  /** "model", or the name of the fallback: "chatml" or "plain". */
  readonly name: "model" | "chatml" | "plain";
  /** To be shown to the user once, when a fallback stands in. */
  readonly notice?: string;
  /**
   * The prompt. Throws "bad-argument" when the template refuses the messages, "bad-model" when the template is broken or
   * exceeds its bounds.
   */
  render(messages: readonly ChatMessage[], options?: RenderOptions): Promise<string>;
}

const FALLBACKS = {
  chatml:
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}" +
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
  plain:
    "{% for message in messages %}{{ message.role | capitalize }}: {{ message.content }}\n\n{% endfor %}" +
    "{% if add_generation_prompt %}Assistant:{% endif %}",
};

const LIMITS = { templateChars: 1 << 18, outputChars: 1 << 24, heapMb: 64, timeoutMs: 5000 };

/** The template of a model, or a named fallback. Nothing is parsed before the first render. */
export function createChatTemplate(source: ChatTemplateSource): ChatTemplate {
  const own = source.template?.trim() ? source.template : undefined;
  const name = own ? "model" : source.hasToken?.("<|im_start|>") ? "chatml" : "plain";
  const template = own ?? FALLBACKS[name as keyof typeof FALLBACKS];
  return {
    name,
    ...(name === "model" ? {} : { notice: `The model file has no chat template; using the fallback "${name}".` }),
    async render(messages, options = {}) {
      if (template.length > LIMITS.templateChars) {
        throw new DraftwrightError(
          "bad-model",
          `The chat template has ${template.length} characters, more than the ${LIMITS.templateChars} allowed; the model file is damaged or hostile. ${INSTEAD}`,
        );
      }
      const context = {
        ...options.variables,
        messages: messages.map(withParsedArguments),
        add_generation_prompt: options.addGenerationPrompt ?? true,
        bos_token: source.bosToken,
        eos_token: source.eosToken,
        ...(options.tools?.length ? { tools: options.tools } : {}),
      };
      const now = options.now ?? new Date();
      const request = { template, context, now, outputChars: LIMITS.outputChars };
      return explain(await enqueue(request, options.timeoutMs ?? LIMITS.timeoutMs));
    },
  };
}

function withParsedArguments(message: ChatMessage): ChatMessage {
  if (!message.tool_calls) return message;
  return {
    ...message,
    tool_calls: message.tool_calls.map((call) => {
      const text = call.function.arguments;
      if (typeof text !== "string") return call;
      try {
        return { ...call, function: { ...call.function, arguments: JSON.parse(text) as unknown } };
      } catch {
        return call; // not JSON: the template shows it as it is
      }
    }),
  };
}

const INSTEAD = "Use a plain prompt instead of messages, or give a chat template of your own.";

function explain(reply: Reply): string {
  if (reply.kind === "text") return reply.text;
  if (reply.kind === "refused") {
    throw new DraftwrightError(
      "bad-argument",
      `The model's chat template refuses these messages: ${reply.text} Change the messages (for instance, move system text into the first user message).`,
    );
  }
  const why = {
    syntax: `cannot be parsed: ${reply.text}`,
    failed: `failed on these messages: ${reply.text}`,
    output: `made more than ${LIMITS.outputChars} characters`,
    time: `did not finish within ${reply.text} ms`,
    died: `was stopped: ${reply.text}`,
  }[reply.kind];
  throw new DraftwrightError("bad-model", `The model's chat template ${why}. ${INSTEAD}`);
}

interface Request {
  template: string;
  context: Record<string, unknown>;
  now: Date;
  outputChars: number;
}
type Reply = { kind: "text" | "refused" | "syntax" | "failed" | "output" | "time" | "died"; text: string };

/** A worker and whoever waits for its next message. */
interface Renderer {
  readonly worker: Worker;
  settle: (reply: Reply) => void;
}

let renderer: Renderer | undefined;
let tail: Promise<unknown> = Promise.resolve();

/** One render at a time, so that the limit of one never counts the work of another. */
function enqueue(request: Request, timeoutMs: number): Promise<Reply> {
  const reply = tail.then(() => renderInWorker(request, timeoutMs));
  tail = reply.catch(() => {});
  return reply;
}

async function renderInWorker(request: Request, timeoutMs: number): Promise<Reply> {
  renderer ??= await startRenderer();
  const { worker } = renderer;
  const answer = nextReply(renderer);
  worker.ref();
  const timer = setTimeout(renderer.settle, timeoutMs, { kind: "time", text: String(timeoutMs) });
  try {
    worker.postMessage(request);
  } catch (cause) {
    renderer.settle({ kind: "failed", text: `they cannot be copied (${String(cause)})` });
  }
  const reply = await answer;
  clearTimeout(timer);
  if (reply.kind === "time" || reply.kind === "died") {
    renderer = undefined;
    await worker.terminate();
  } else {
    worker.unref(); // an idle worker must not keep the process alive
  }
  return reply;
}

function nextReply(of: Renderer): Promise<Reply> {
  return new Promise((resolve) => {
    of.settle = resolve;
  });
}

/** Waits until the worker has loaded the interpreter, so that its start does not count against a render. */
async function startRenderer(): Promise<Renderer> {
  const library = createRequire(import.meta.url).resolve("@huggingface/jinja");
  const program = `(${serve.toString()})(require("node:worker_threads").parentPort, require(${JSON.stringify(library)}))`;
  const worker = new Worker(program, {
    eval: true,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: LIMITS.heapMb, maxYoungGenerationSizeMb: 16 },
  });
  const started: Renderer = { worker, settle: () => {} };
  worker.on("message", (reply: Reply) => started.settle(reply));
  worker.on("error", (error) => started.settle({ kind: "died", text: String(error) }));
  worker.on("exit", () => started.settle({ kind: "died", text: "its worker ended" }));
  const ready = await nextReply(started);
  if (ready.kind === "died") {
    throw new DraftwrightError(
      "internal",
      `The chat template worker did not start (${ready.text}); please report this.`,
    );
  }
  return started;
}

/** The worker's program. It is sent as text, so it may use its parameters and globals only. */
function serve(port: MessagePort, jinja: typeof import("@huggingface/jinja")): void {
  class Refused extends Error {}
  const MONTHS = "January February March April May June July August September October November December".split(" ");
  const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

  // The library's own strftime follows the machine's locale; templates were written for English names.
  const strftime = (date: Date, format: string): string =>
    format.replace(/%(-?)([A-Za-z%])/g, (all, bare: string, letter: string) => {
      const two = (n: number) => (bare ? String(n) : String(n).padStart(2, "0"));
      const parts: Record<string, string> = {
        Y: String(date.getFullYear()),
        y: two(date.getFullYear() % 100),
        m: two(date.getMonth() + 1),
        d: two(date.getDate()),
        H: two(date.getHours()),
        I: two(date.getHours() % 12 || 12),
        M: two(date.getMinutes()),
        S: two(date.getSeconds()),
        p: date.getHours() < 12 ? "AM" : "PM",
        B: MONTHS[date.getMonth()],
        b: MONTHS[date.getMonth()].slice(0, 3),
        A: DAYS[date.getDay()],
        a: DAYS[date.getDay()].slice(0, 3),
        "%": "%",
      };
      return parts[letter] ?? all;
    });

  const range = (start: number, stop?: number, step = 1): number[] => {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    if (step === 0) throw new Error("range() step must not be zero");
    return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step);
  };

  const render = ({ template, context, now, outputChars }: Request): Reply => {
    let program: ReturnType<typeof jinja.parse>;
    try {
      program = jinja.parse(jinja.tokenize(template, { lstrip_blocks: true, trim_blocks: true }));
    } catch (error) {
      return { kind: "syntax", text: String(error) };
    }
    try {
      const environment = new jinja.Environment();
      const globals = {
        true: true,
        True: true,
        false: false,
        False: false,
        none: null,
        None: null,
        range,
        strftime_now: (format: string) => strftime(now, format),
        raise_exception: (message: string) => {
          throw new Refused(message);
        },
      };
      for (const [name, value] of Object.entries({ ...context, ...globals })) environment.set(name, value);
      const text = String(new jinja.Interpreter(environment).run(program).value);
      return text.length > outputChars ? { kind: "output", text: "" } : { kind: "text", text };
    } catch (error) {
      if (error instanceof Refused) return { kind: "refused", text: error.message };
      return { kind: "failed", text: String(error) };
    }
  };

  port.on("message", (request: Request) => port.postMessage(render(request)));
  port.postMessage({ kind: "text", text: "ready" });
}
