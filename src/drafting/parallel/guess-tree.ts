/** A guessed token. Only what follows it is known here, so that what the text has passed can be forgotten. */
export interface Guess<T> {
  readonly token: number;
  /** The drafter's probability, given the tokens before. */
  readonly probability: number;
  /** By falling probability; the first of each is the likeliest sequence. */
  readonly children: Guess<T>[];
  readonly data: T;
}

/** Guesses after a text. Its root moves along as the text grows. */
export class GuessTree<T> {
  root: Guess<T>;
  /** Tokens of the text at the root. */
  length: number;

  /** `data`: of the root, which stands after `length` tokens of text. */
  constructor(length: number, data: T) {
    this.length = length;
    this.root = { token: -1, probability: 1, children: [], data };
  }

  /** Moves the root along the text; false when the text leaves the tree, and the root stays at the last token in it. */
  follow(tokens: Int32Array, length: number, passed?: (guess: Guess<T>) => void): boolean {
    while (this.length < length) {
      const next = this.root.children.find(({ token }) => token === tokens[this.length]);
      if (!next) return false;
      this.root = next;
      this.length++;
      passed?.(next);
    }
    return true;
  }

  /** The likeliest sequence after a guess, itself not included. */
  *likeliest(from: Guess<T> = this.root): Generator<Guess<T>> {
    for (let next = from.children.at(0); next; next = next.children.at(0)) yield next;
  }
}
