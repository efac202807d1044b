import { DraftwrightError } from "../../errors.ts";
import { philox4x32 } from "./philox.ts";

const block = new Uint32Array(4);

/**
 * The one uniform draw of a position: a 53-bit double in [0, 1), a pure function of its key.
 * seed: integer 0..2^53-1; completion (index among the answers to one prompt), position (absolute, prompt included) and
 * stream (a second use of the same position, e.g. the accept test of ratio mode): integers 0..2^32-1.
 * Throws "bad-argument" otherwise.
 */
export function keyedUniform(seed: number, completion: number, position: number, stream = 0): number {
  if (!(Number.isSafeInteger(seed) && seed >= 0)) refuse("seed", seed, "0..2^53-1");
  if (completion >>> 0 !== completion) refuse("completion", completion, "0..2^32-1");
  if (position >>> 0 !== position) refuse("position", position, "0..2^32-1");
  if (stream >>> 0 !== stream) refuse("stream", stream, "0..2^32-1");
  block[0] = position;
  block[1] = completion;
  block[2] = stream;
  block[3] = 0;
  philox4x32(block, seed >>> 0, Math.floor(seed / 2 ** 32));
  return ((block[0] >>> 5) * 2 ** 26 + (block[1] >>> 6)) / 2 ** 53;
}

function refuse(name: string, value: number, wanted: string): never {
  throw new DraftwrightError("bad-argument", `${name} is ${value}; it must be an integer in ${wanted}.`);
}
