// Fuzz target: the whole loadLanguageModel, then what a user does first: a text through the tokenizer, one forward, and
// the chat template.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

const TEXT = "The \u00fcbergr\u00f6\u00dfe  of 1234 \u{1f600}\n\n\ttokens \u4e00\u0000\u007f <s><|im_end|>";

export async function load(path, { dist }) {
  const { loadLanguageModel } = await import(pathToFileURL(join(dist, "lm/load.js")).href);
  const { createChatTemplate } = await import(pathToFileURL(join(dist, "lm/chat-template.js")).href);
  const { chainBatch } = await import(pathToFileURL(join(dist, "lm/model.js")).href);
  const loaded = loadLanguageModel(path, { threads: 1, kvRows: 256 });
  try {
    const { model, tokenizer } = loaded;
    const ids = tokenizer.encode(TEXT, { addSpecial: true, parseSpecial: true });
    tokenizer.encode(TEXT);
    tokenizer.decode(ids);
    const tokens = ids.length > 0 ? ids.subarray(0, Math.min(8, model.contextLength)) : Int32Array.of(0);
    const sequence = model.open({ rows: Math.min(16, model.contextLength) });
    model.forward(chainBatch(sequence, tokens, "last")).logits(tokens.length - 1);
    sequence.close();
    const template = createChatTemplate({ template: loaded.chatTemplate, bosToken: "<s>", eosToken: "</s>" });
    // A template that does not work is refused, not a reason to refuse the model.
    await template.render([{ role: "user", content: "hi" }], { timeoutMs: 300 }).catch((error) => {
      if (error?.name !== "DraftwrightError") throw error;
    });
  } finally {
    loaded[Symbol.dispose]();
  }
}
