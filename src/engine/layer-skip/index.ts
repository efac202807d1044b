// Skip sets as files: searching one for a model file, reading and writing what was found.

export { readSkipSet, writeSkipSet } from "./files.ts";
export { type SkipSearchOptions, searchSkipSet } from "./search.ts";
