/** What a model says: text, or a call of a tool. */
export type OutputPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool-call"; readonly id: string; readonly name: string; readonly arguments: string };

/** Takes a model's text as it comes and gives its parts as soon as they are certain. */
export interface OutputReader {
  push(text: string): OutputPart[];
  /** What was held back; nothing comes after it. */
  end(): OutputPart[];
}

/** Everything is text. */
export function plainReader(): OutputReader {
  return { push: (text) => (text === "" ? [] : [{ type: "text", text }]), end: () => [] };
}
