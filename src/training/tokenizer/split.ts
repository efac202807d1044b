// Splits a text into the words that merges stay inside of, exactly as libllama's pre-tokenizer "qwen2" does: digits stand
// alone, a space belongs to the word behind it, line breaks to the punctuation before them.

/** `tokenizer.ggml.pre`. libllama splits for it without std::regex, so that long runs of characters are no danger. */
export const preTokenizer = "qwen2";

/**
 * Letters and digits that Unicode 16 and 17 brought. libllama has the tables of 15.1 and takes them for signs, so `\p{L}` and
 * `\p{N}` of this Node must not hold them. Found by asking libllama for every code point.
 */
const LATER = `
  88f c5c cdc 1c89-1c8a a7cb-a7cf a7d2 a7d4 a7da-a7dc a7f1 105c0-105f3 10940-10959 10d40-10d49 10d4a-10d65 10d6f-10d85
  10ec2-10ec7 11380-11389 1138b 1138e 11390-113b5 113b7 113d1 113d3 116d0-116e3 11bc0-11be0 11bf0-11bf9 11db0-11ddb
  11de0-11de9 13460-143fa 16100-1611d 16130-16139 16d40-16d6c 16d70-16d79 16ea0-16eb8 16ebb-16ed3 16ff2-16ff3 16ff4-16ff6
  187f8-187ff 18cff 18d09-18d1e 18d80-18df2 1ccf0-1ccf9 1e5d0-1e5ed 1e5f0 1e5f1-1e5fa 1e6c0-1e6de 1e6e0-1e6e2 1e6e4-1e6e5
  1e6e7-1e6ed 1e6f0-1e6f4 1e6fe-1e6ff 2b73a-2b73f 2cea2-2cead 323b0-33479`;
const later = LATER.trim()
  .replaceAll(/[0-9a-f]+/g, "\\u{$&}")
  .replaceAll(/\s+/g, "");

const letter = `[\\p{L}--[${later}]]`;
const digit = `[\\p{N}--[${later}]]`;
const space = "\\p{White_Space}";
const sign = `[[^${space}\\p{L}\\p{N}][${later}]]`;
const words = new RegExp(
  [
    "'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])",
    `[[^\\r\\n\\p{L}\\p{N}][${later}]]?${letter}+`,
    digit,
    ` ?${sign}+[\\r\\n]*`,
    `${space}*[\\r\\n]+`,
    // Of a run of white space the last one is left to the word behind it.
    `${space}+(?!\\P{White_Space})`,
    `${space}+`,
  ].join("|"),
  "gv",
);

/** All of the text, in pieces. */
export function splitWords(text: string): readonly string[] {
  return text.match(words) ?? [];
}
