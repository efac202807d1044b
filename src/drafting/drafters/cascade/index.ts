// CS Drafting: a cascade of drafters, each of which reviews what cheaper ones wrote, with Max-Gram at the bottom. `session.ts`
// runs the cascade, `plan.ts` decides how it drafts (the K matrix), `forecast.ts` says what a K matrix is expected to give,
// `search.ts` finds a good one, `walltime.ts` holds the paper's closed forms.
export { type CascadeDrafter, type CascadeModel, type CascadeOptions, cascadeDrafter } from "./cascade.ts";
export { type CascadeFigures, type CascadeForecast, forecastCascade } from "./forecast.ts";
export type { KMatrix } from "./k-matrix.ts";
export type { MaxGramOptions } from "./max-gram.ts";
export { type FoundK, type SearchOptions, searchK } from "./search.ts";
export type { CascadeStats, LevelStats } from "./stats.ts";
export { expectedTokens, horizontalFactor, reviewedLength, speculativeFactor, verticalFactor } from "./walltime.ts";
