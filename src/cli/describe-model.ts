import { statSync } from "node:fs";
import { DraftwrightError } from "../errors.ts";
import { type GgufFile, openGguf } from "../ggml/gguf/index.ts";
import { readConfig } from "../lm/config.ts";

export interface ModelDescription {
  readonly path: string;
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly bytes: number;
  readonly context: number | "unknown";
  readonly vocabulary: number | "unknown";
  readonly chatTemplate: "yes" | "no";
  /** Number of tensors by type. */
  readonly tensors: Readonly<Record<string, number>>;
  /** `yes`, or why not. */
  readonly runs: string;
}

/** What a GGUF file says of itself. Reads the header only. Throws `bad-model` when it is no GGUF file. */
export function describeModel(path: string): ModelDescription {
  const gguf = openGguf(path);
  try {
    const { metadata, tensors } = gguf;
    const architecture = metadata.string("general.architecture") ?? "unknown";
    const byType: Record<string, number> = {};
    let parameters = 0;
    for (const { type, ne } of tensors.values()) {
      byType[type.name] = (byType[type.name] ?? 0) + 1;
      parameters += ne[0] * ne[1] * ne[2] * ne[3];
    }
    const context = metadata.value(`${architecture}.context_length`)?.value;
    return {
      path,
      name: metadata.string("general.name") ?? "",
      architecture,
      parameters,
      bytes: statSync(path).size,
      context: typeof context === "number" ? context : "unknown",
      vocabulary: metadata.strings("tokenizer.ggml.tokens")?.length ?? "unknown",
      chatTemplate: metadata.has("tokenizer.chat_template") ? "yes" : "no",
      tensors: byType,
      runs: verdict(gguf),
    };
  } finally {
    gguf.close();
  }
}

function verdict(gguf: GgufFile): string {
  try {
    readConfig(gguf);
    return "yes";
  } catch (error) {
    if (error instanceof DraftwrightError) return error.message;
    throw error;
  }
}
