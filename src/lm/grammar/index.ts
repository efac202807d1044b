// Grammars that outputs must follow: GBNF read (gbnf), made into a pushdown automaton over bytes (network, byte-grammar), and
// walked by the tokens of a vocabulary (token-grammar). JSON schemas become GBNF (json-schema/). States are immutable, so the
// same grammar serves plain decoding and every path of a draft tree. llama.cpp's grammar sampler is the oracle in tests.
export { parseGbnf } from "./gbnf.ts";
export { jsonObjectGbnf, jsonSchemaToGbnf } from "./json-schema/convert.ts";
export { behindThoughts, longestBeginning, thoughtTags } from "./thoughts.ts";
export { GrammarState, GrammarVocabulary, TokenGrammar } from "./token-grammar.ts";
