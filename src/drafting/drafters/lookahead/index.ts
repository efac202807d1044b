// Lookahead decoding: n-grams that the target makes in a window of extra rows. Pool, window and calibrated tree serve
// Ouroboros too.

export { type LookaheadOptions, lookaheadDrafter } from "./lookahead.ts";
export {
  type Phrase,
  type PhraseOrigin,
  PhrasePool,
  type PoolOptions,
  type PoolScope,
  type PoolStats,
} from "./phrase-pool.ts";
export type { WindowOptions } from "./window.ts";
