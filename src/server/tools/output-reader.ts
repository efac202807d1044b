import type { GenerateResult } from "../../engine/index.ts";

/** What a model says: text, or a call of a tool; and before it, what it thinks. */
export type OutputPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "thinking"; readonly text: string }
  | { readonly type: "tool-call"; readonly id: string; readonly name: string; readonly arguments: string };

/** Takes what a model says as it comes and gives its parts as soon as they are certain. Thoughts do not come this way. */
export interface OutputReader {
  push(text: string): OutputPart[];
  /** What was held back; nothing comes after it. */
  end(): OutputPart[];
}

/** Parts of what comes next: the thoughts are over when something is said. */
export function partsOf(reader: OutputReader, { text, thinking }: { text: string; thinking?: string }): OutputPart[] {
  const thoughts: OutputPart[] = thinking ? [{ type: "thinking", text: thinking }] : [];
  return [...thoughts, ...reader.push(text)];
}

/** The parts of a whole answer. */
export function wholeAnswer(
  reader: OutputReader,
  { text, thinking }: Pick<GenerateResult, "text" | "thinking">,
): OutputPart[] {
  return [...partsOf(reader, { text, thinking: thinking?.text }), ...reader.end()];
}

/** Everything is text. */
export function plainReader(): OutputReader {
  return { push: (text) => (text === "" ? [] : [{ type: "text", text }]), end: () => [] };
}
