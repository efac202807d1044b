import type { StringArray } from "../../ggml/gguf/index.ts";
import { byteAlphabet } from "../byte-alphabet.ts";

const byteToken = /^<0x([0-9A-F]{2})>$/i;

/**
 * What the tokens of a file stand for, one character a byte, so that vocabularies of different kinds can be compared. `kind`:
 * "gpt2" spells bytes in GPT-2's alphabet, "llama" writes spaces as U+2581 and single bytes as <0xNN>.
 */
export function tokenTexts(tokens: StringArray, kind: string): string[] {
  const spell = kind === "gpt2" ? byteLevel : sentencePiece;
  return Array.from({ length: tokens.length }, (_, id) => spell(tokens.at(id)));
}

function sentencePiece(text: string): string {
  const byte = byteToken.exec(text);
  if (byte) return String.fromCharCode(Number.parseInt(byte[1], 16));
  return Buffer.from(text.replaceAll("\u2581", " ")).toString("latin1");
}

/** Byte of each character of GPT-2's alphabet. */
const bytes = new Map(byteAlphabet.map((character, byte) => [character, String.fromCharCode(byte)]));

function byteLevel(text: string): string {
  let spelled = "";
  for (const character of text) spelled += bytes.get(character) ?? Buffer.from(character).toString("latin1");
  return spelled;
}
