// Phrases that lengthen drafts (Ouroboros): the drafter, and pools of phrases that are kept between texts. The pool itself,
// and the window that can fill it, stand in ../lookahead.

export type { OuroborosOptions } from "./options.ts";
export { ouroborosDrafter } from "./ouroboros.ts";
export { loadPool, type PoolIdentity, savePool } from "./pool-file.ts";
