// Drafting databases as files: read with the vocabulary checked, written beside and renamed, built from texts or from a
// model's own answers. What they hold and how it is looked up is in drafting/databases.
export { type AnswerOptions, type BuildReport, buildFromAnswers, buildFromTexts } from "./build.ts";
export { type ExpectedVocabulary, readDatabase, writeDatabase } from "./files.ts";
