// A model that says what a script says: the whole way of a request, with answers a test can choose.

import { Model } from "../../engine/model.ts";
import { connectHost, toyEngineModel, toyOptions, vocabSize } from "../../engine/testing/toy-runtime.ts";
import { tableModel } from "../../lm/toy/index.ts";

/** Where the fallback chat template lets the assistant begin. */
const turn = "Assistant:";
const endOfText = 257;

/** Answers each prompt (a text of the plain chat template, or of `template`) with what `answer` says to it. */
export function openScripted(answer: (prompt: string) => string, template?: string): Promise<Model> {
  const decoder = new TextDecoder();
  const probabilities = (prefix: readonly number[]) => {
    const text = decoder.decode(Uint8Array.from(prefix.filter((token) => token < 256)));
    const at = text.lastIndexOf(turn) + turn.length;
    const script = new TextEncoder().encode(answer(text.slice(0, at)));
    const next = script[new TextEncoder().encode(text.slice(at)).length] ?? endOfText;
    return Float64Array.from({ length: vocabSize }, (_, token) => (token === next ? 1 : 1e-9));
  };
  const contextLength = 4096;
  const load = (path: string) => ({
    ...toyEngineModel(path, tableModel({ vocabSize, contextLength, probabilities })),
    chatTemplate: template,
  });
  return Model.open(connectHost(toyOptions, load));
}
