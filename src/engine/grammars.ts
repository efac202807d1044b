import { behindThoughts, type GrammarState, GrammarVocabulary, TokenGrammar } from "../lm/grammar/index.ts";
import type { EngineModel } from "./runtime.ts";
import type { Thinking } from "./thoughts.ts";

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

  /** Where texts of a grammar begin, or the thoughts before them. Throws `bad-argument`. */
  start(gbnf: string, thinking?: Thinking): GrammarState {
    this.#vocabulary ??= new GrammarVocabulary(this.#target.tokenizer);
    const whole = thinking ? behindThoughts(gbnf, thinking === "begun") : { gbnf, start: "root" };
    const grammar = this.#kept.get(whole.gbnf) ?? new TokenGrammar(whole.gbnf, this.#vocabulary, whole.start);
    this.#kept.delete(whole.gbnf);
    this.#kept.set(whole.gbnf, grammar);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) break;
      this.#kept.delete(oldest);
    }
    return grammar.start;
  }
}
