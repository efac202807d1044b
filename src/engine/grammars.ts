import { type GrammarState, GrammarVocabulary, TokenGrammar } from "../lm/grammar/index.ts";
import type { EngineModel } from "./runtime.ts";

/** Grammars kept with what was found in them: requests tend to repeat their schema. */
const mostKept = 8;

/** The grammars of one target, compiled when first asked for. */
export class Grammars {
  readonly #target: EngineModel;
  #vocabulary: GrammarVocabulary | undefined;
  /** Least recently used first. */
  readonly #kept = new Map<string, TokenGrammar>();

  constructor(target: EngineModel) {
    this.#target = target;
  }

  /** Where texts of a grammar begin. Throws `bad-argument`. */
  start(gbnf: string): GrammarState {
    this.#vocabulary ??= new GrammarVocabulary(this.#target.tokenizer);
    const grammar = this.#kept.get(gbnf) ?? new TokenGrammar(gbnf, this.#vocabulary);
    this.#kept.delete(gbnf);
    this.#kept.set(gbnf, grammar);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) break;
      this.#kept.delete(oldest);
    }
    return grammar.start;
  }
}
