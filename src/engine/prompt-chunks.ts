// Where prompts are cut, and which rows of one may serve another.
import { PREFILL_ROWS } from "../lm/model.ts";

/**
 * Prompt rows per turn: many enough for full speed, few enough that running streams notice a newcomer's long prompt only a
 * little.
 */
const mostRows = 128;

/**
 * Rows of the next chunk of a prompt of which `left` are not read yet. No chunk of a prompt that can fill PREFILL_ROWS is
 * smaller: then each row has the same bits wherever the prompt is cut.
 */
export function nextChunk(left: number): number {
  return left > mostRows ? Math.min(mostRows, left - PREFILL_ROWS) : left;
}

/**
 * Of `rows` rows that were read of the prompt `known`, those that `prompt` may take over: they have the bits that it would
 * compute, and so have the rows that it reads after them. Its last token is always read.
 */
export function sharedRows(known: Int32Array, rows: number, prompt: Int32Array): number {
  if (!readAlike(known, prompt)) return 0;
  const wanted = prompt.length - 1;
  const most = Math.min(sharedLength(known, prompt), rows, wanted);
  return most === wanted || wanted < PREFILL_ROWS ? most : Math.min(most, wanted - PREFILL_ROWS);
}

/** Rows of prompts too short for the kernels of long ones have other bits. */
export function readAlike(a: Int32Array, b: Int32Array): boolean {
  return a.length - 1 < PREFILL_ROWS === b.length - 1 < PREFILL_ROWS;
}

/** Tokens at the beginning that two prompts have in common. */
export function sharedLength(a: Int32Array, b: Int32Array): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}
