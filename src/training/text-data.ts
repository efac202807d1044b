// Training texts: files of plain text or JSON lines, as samples of tokens. Instruction data is learned from its answers
// only.
import { readFileSync } from "node:fs";
import { DraftwrightError } from "../errors.ts";
import { type ChatMessage, type ChatTemplate, createChatTemplate, type Tokenizer } from "../lm/index.ts";
import type { Random } from "../nn/index.ts";

export interface Sample {
  /** At most rows + 1; row i of the graph reads tokens[i] and is to say tokens[i + 1]. */
  readonly tokens: Int32Array;
  /** First token that is learned. */
  readonly learnFrom: number;
}

export interface TextSource {
  readonly tokenizer: Tokenizer;
  readonly template?: ChatTemplate;
}

/** Of a model: `chatTemplate` as its file has it. */
export function textSource(tokenizer: Tokenizer, chatTemplate: string | undefined): Required<TextSource> {
  const text = (token: number) => (token < 0 ? "" : Buffer.from(tokenizer.pieceBytes(token)).toString());
  const [bosToken, eosToken] = [text(tokenizer.bos), text(tokenizer.eos)];
  return { tokenizer, template: createChatTemplate({ template: chatTemplate, bosToken, eosToken }) };
}

export type Document =
  | { readonly text: string }
  | { readonly prompt: string; readonly answer: string; readonly ends: boolean };

/**
 * Documents of a file. JSON lines hold `text`; or `prompt` and `completion` (or `response`); or `instruction`, `input` and
 * `output`; or `messages`, whose last one is learned. Other files are plain text, documents parted by empty lines. Throws
 * `bad-argument`, naming the line.
 */
export async function readDocuments(path: string, source: TextSource): Promise<Document[]> {
  const text = readText(path);
  if (!isJsonLines(path)) {
    return text
      .split(/\n\s*\n/)
      .filter((part) => part.trim() !== "")
      .map((part) => ({ text: part.trim() }));
  }
  const documents: Document[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() !== "") documents.push(await parseDocument(line, `${path}:${i + 1}`, source));
  }
  return documents;
}

export const isJsonLines = (path: string): boolean => /\.jsonl?$/.test(path);

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
}

/** One line of JSON; see `readDocuments`. `where` names it in errors. */
export async function parseDocument(
  line: string,
  where: string,
  { template }: Pick<TextSource, "template">,
): Promise<Document> {
  const refuse = (what: string): never => {
    throw new DraftwrightError("bad-argument", `${where}: ${what}; give "text", or "prompt" and "completion".`);
  };
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line);
  } catch {
    return refuse("not JSON");
  }
  const field = (...names: string[]) => names.map((name) => value[name]).find((v) => typeof v === "string");
  const text = field("text");
  if (text !== undefined) return { text };
  const messages = value.messages as ChatMessage[] | undefined;
  if (Array.isArray(messages) && messages.length > 1) {
    return chat(messages.slice(0, -1), messages[messages.length - 1].content ?? refuse("an empty answer"), template);
  }
  const instruction = field("instruction");
  if (instruction !== undefined) {
    const input = field("input");
    const content = input ? `${instruction}\n\n${input}` : instruction;
    return chat([{ role: "user", content }], field("output", "response") ?? refuse('no "output"'), template);
  }
  const prompt = field("prompt");
  if (prompt === undefined) return refuse("no text");
  return { prompt, answer: field("completion", "response") ?? refuse('no "completion"'), ends: false };
}

/** The answer with what the template puts after it: the end of the turn. */
async function chat(
  messages: readonly ChatMessage[],
  answer: string,
  template: ChatTemplate | undefined,
): Promise<Document> {
  if (!template) return { prompt: `${messages.map(({ content }) => content).join("\n\n")}\n\n`, answer, ends: false };
  const prompt = await template.render(messages);
  const whole = await template.render([...messages, { role: "assistant", content: answer }], {
    addGenerationPrompt: false,
  });
  const ends = whole.startsWith(prompt);
  return { prompt, answer: ends ? whole.slice(prompt.length) : answer, ends };
}

/**
 * Samples of `rows` + 1 tokens at most. Plain texts are joined, parted by the end-of-text token, and cut; an instruction is
 * a sample of its own, and loses the beginning of its prompt when it is too long.
 */
export function makeSamples(documents: readonly Document[], rows: number, { tokenizer }: TextSource): Sample[] {
  const samples: Sample[] = [];
  const stream: number[] = [];
  const [end] = tokenizer.endOfGeneration;
  for (const document of documents) {
    if ("text" in document) {
      for (const token of tokenizer.encode(document.text, { addSpecial: true })) stream.push(token);
      if (end !== undefined) stream.push(end);
      continue;
    }
    const prompt = tokenizer.encode(document.prompt, { addSpecial: true, parseSpecial: true });
    const said = tokenizer.encode(document.answer, { parseSpecial: document.ends });
    const answer = [...said, ...(end === undefined || document.ends ? [] : [end])].slice(0, rows);
    const kept = prompt.subarray(Math.max(0, prompt.length + answer.length - rows - 1));
    samples.push({ tokens: Int32Array.from([...kept, ...answer]), learnFrom: Math.max(1, kept.length) });
  }
  for (let at = 0; at + 1 < stream.length; at += rows) {
    samples.push({ tokens: Int32Array.from(stream.slice(at, at + rows + 1)), learnFrom: 1 });
  }
  return samples;
}

/** Parts off a share of the documents, at least one, before they become samples: no text stands on both sides. */
export function splitHeldOut<T>(documents: readonly T[], share: number, random: Random): { train: T[]; heldOut: T[] } {
  const shuffled = random.shuffle([...documents]);
  const count = Math.min(shuffled.length - 1, Math.max(1, Math.round(shuffled.length * share)));
  if (count < 1) {
    throw new DraftwrightError("bad-argument", "one document cannot be both learned and held out; give two at least");
  }
  return { train: shuffled.slice(count), heldOut: shuffled.slice(0, count) };
}
