import { createInterface } from "node:readline";
import { Command } from "commander";
import type { Model } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import type { ChatMessage } from "../lm/chat-template.ts";
import { exitCode } from "./errors.ts";
import {
  generateOptions,
  loadFromFlags,
  type ModelFlags,
  type SamplingFlags,
  withModelFlags,
  withSamplingFlags,
} from "./flags.ts";
import { SourcePalette } from "./sources.ts";
import { statsText } from "./stats.ts";
import { paint, printable, styleOf } from "./terminal.ts";
import { thoughtWriter } from "./thoughts.ts";

interface Flags extends ModelFlags, SamplingFlags {
  system?: string;
  color?: boolean;
  stats?: boolean;
}

export function chatCommand(): Command {
  const command = new Command("chat").description("Talk with a model. Ctrl-C stops an answer, Ctrl-D ends the talk.");
  return withSamplingFlags(withModelFlags(command))
    .option("--system <text>", "what the model should know before you speak")
    .option("--color", "paint accepted draft tokens by their source")
    .option("--stats", "print speeds and acceptance after every answer")
    .action(async (flags: Flags) => {
      await using model = await loadFromFlags(flags);
      if (model.chatNotice) process.stderr.write(`${model.chatNotice}\n`);
      await talk(model, flags);
    });
}

async function talk(model: Model, flags: Flags): Promise<void> {
  const isTTY = process.stdin.isTTY === true;
  const style = styleOf(process.stderr);
  // Without a terminal every line of standard input is one message.
  const lines = createInterface({ input: process.stdin, output: isTTY ? process.stderr : undefined, terminal: isTTY });
  const history: ChatMessage[] = flags.system ? [{ role: "system", content: flags.system }] : [];
  let answering: AbortController | undefined;
  lines.on("SIGINT", () => {
    if (answering) return answering.abort();
    process.exitCode = exitCode.interrupted;
    lines.close();
  });
  lines.setPrompt(paint("> ", "bold", style));
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() !== "") {
      answering = new AbortController();
      history.push({ role: "user", content: line });
      const answer = await reply(model, history, flags, answering.signal);
      history.push({ role: "assistant", content: answer });
      answering = undefined;
    }
    lines.prompt();
  }
  if (isTTY) process.stderr.write("\n");
}

/** Streams one answer and returns it; what was said until Ctrl-C is the answer then. */
async function reply(model: Model, history: ChatMessage[], flags: Flags, signal: AbortSignal): Promise<string> {
  const palette = new SourcePalette(styleOf(process.stdout, flags.color));
  let answer = "";
  for (;;) {
    const generating = model.generate({ messages: history }, { ...generateOptions(flags), signal });
    const showThought = thoughtWriter();
    try {
      for await (const token of generating) {
        const { text, source } = token;
        showThought(token);
        answer += text;
        process.stdout.write(flags.color ? palette.token(text, source) : printable(text));
      }
      process.stdout.write("\n");
      if (flags.stats) process.stderr.write(statsText(await generating.result));
      return answer;
    } catch (error) {
      if (!(error instanceof DraftwrightError)) throw error;
      if (error.code === "aborted") {
        process.stdout.write("\n");
        return answer;
      }
      if (error.code !== "context-overflow" || !forgetOldest(history)) throw error;
      process.stderr.write("(the context is full: the oldest exchange is forgotten)\n");
    }
  }
}

/** Drops the oldest question with its answer; false when only the last question is left. */
function forgetOldest(history: ChatMessage[]): boolean {
  const first = history.findIndex((message) => message.role === "user");
  if (first < 0 || first === history.length - 1) return false;
  history.splice(first, 2);
  return true;
}
