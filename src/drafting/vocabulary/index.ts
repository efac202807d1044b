// Drafting with a model whose vocabulary is not the target's: its text, or the tokens that both have, are put into the target's
// tokens. `crossVocabularyDrafter` decodes with such a model, `translatingReviewer` makes it a level of a cascade.
export { type CrossVocabularyOptions, crossVocabularyDrafter } from "./cross-vocabulary.ts";
export { translatingReviewer } from "./translating-reviewer.ts";
export { type Intersection, intersect, type Vocabulary } from "./vocabulary.ts";
