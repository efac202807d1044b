// Databases that drafts come from: tables of tokens, built from texts or from what a model says, looked up by the end of
// the text. They are bytes at most: reading files and tokenizing text is up to others.

export { type Continuations, continuations } from "./continuations.ts";
export { type Database, decodeDatabase, encodeDatabase, type StoredDatabase } from "./format.ts";
export { type Frequent, mostFrequent } from "./frequent.ts";
export { buildModelDatabase, ModelDatabase } from "./model.ts";
export { findKey, type SortedSequences, type Span, weightOf } from "./sorted-sequences.ts";
export { buildStatistics, StatisticsDatabase } from "./statistics.ts";
