import { Command } from "commander";
import { tokenizerReporter, trainTokenizer } from "../training/index.ts";
import { integer, names } from "./flags.ts";
import { interruptible } from "./interrupt.ts";

interface TokenizerFlags {
  data: string[];
  out: string;
  vocabulary: number;
  special?: string[];
  minFrequency: number;
  jsonLog?: string;
  json?: boolean;
}

export function trainTokenizerCommand(): Command {
  return new Command("tokenizer")
    .description("a byte-level BPE vocabulary from texts, for `train lm --tokenizer` and llama.cpp")
    .requiredOption("--data <files>", "as for lora; plain text is taken whole, empty lines included", names)
    .requiredOption("--out <file>", "a GGUF file that holds the vocabulary alone")
    .option("--vocabulary <n>", "tokens: special ones, 256 bytes, and merges", integer(1), 8192)
    .option("--special <texts>", "control tokens beside <s>, </s>, <|user|>, <|assistant|>, <|system|>, <|end|>", names)
    .option("--min-frequency <n>", "pairs seen less often are not merged", integer(1), 2)
    .option("--json-log <file>", "append what happens, one JSON object a line")
    .option("--json", "print one JSON object at the end")
    .action(run);
}

async function run({ json, jsonLog, ...options }: TokenizerFlags): Promise<void> {
  const onEvent = tokenizerReporter(process.stderr, jsonLog);
  const result = await interruptible((signal) => trainTokenizer({ ...options, signal, onEvent }));
  if (json) process.stdout.write(`${JSON.stringify({ out: options.out, ...result })}\n`);
}
