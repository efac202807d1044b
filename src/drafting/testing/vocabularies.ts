import { seededRandom } from "../../lm/toy/index.ts";
import type { Vocabulary } from "../vocabulary/index.ts";

const letters = [..."ab cde"];

/**
 * A readable vocabulary: token 0 ends the text, then single letters (the same in every one), then longer pieces that differ by
 * seed. Text is tokenised by the longest piece that fits.
 */
export function letterVocabulary(vocabSize: number, seed: number): Vocabulary {
  const key = `${vocabSize} ${seed}`;
  const vocabulary = made.get(key) ?? make(vocabSize, seed);
  made.set(key, vocabulary);
  return vocabulary;
}

const made = new Map<string, Vocabulary>();

function make(vocabSize: number, seed: number): Vocabulary {
  const random = seededRandom(seed);
  const singles = letters.slice(0, vocabSize - 1);
  const pieces = ["", ...singles];
  while (pieces.length < vocabSize) {
    const length = 2 + Math.floor(random() * 3);
    const piece = Array.from({ length }, () => singles[Math.floor(random() * singles.length)]).join("");
    if (!pieces.includes(piece)) pieces.push(piece);
  }
  const longestFirst = [...pieces.keys()].slice(1).sort((a, b) => pieces[b].length - pieces[a].length || a - b);
  const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
  return {
    vocabSize,
    bos: -1,
    eos: 0,
    addsBos: false,
    isEndOfGeneration: (token) => token === 0,
    pieceBytes: (token) => bytes[token],
    encode(text) {
      const tokens: number[] = [];
      for (let at = 0; at < text.length; at += pieces[tokens[tokens.length - 1]].length) {
        const token = longestFirst.find((id) => text.startsWith(pieces[id], at));
        if (token === undefined) return [];
        tokens.push(token);
      }
      return tokens;
    },
  };
}
