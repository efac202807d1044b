// Drafters as the page shows them: each has one colour everywhere (styles/sources.css).

interface Source {
  /** Number of its colour. */
  readonly colour: number;
  readonly about: string;
}

const known: Readonly<Record<string, Source>> = {
  lookup: { colour: 0, about: "repeats what followed the same words earlier in the text" },
  model: { colour: 1, about: "a small model of the same family" },
  cascade: { colour: 2, about: "small models that draft for each other" },
  ouroboros: { colour: 3, about: "phrases from earlier drafts" },
  hierarchy: { colour: 4, about: "databases of phrases" },
  lookahead: { colour: 7, about: "n-grams that the model itself came up with" },
  "layer-skip": { colour: 6, about: "the model with some of its layers left out" },
  prediction: { colour: 5, about: "the predicted text" },
  grammar: { colour: 8, about: "tokens that the format forces" },
};

export const aboutTarget = "the model's own tokens";

/** Class that sets `--c`, the source's colour. Unknown ones get one by their name. */
export function sourceClass(name: string): string {
  if (name === "target") return "source-target";
  const colour = known[name]?.colour ?? 9 + ([...name].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 3);
  return `source-${colour}`;
}

export function aboutSource(name: string): string {
  return name === "target" ? aboutTarget : (known[name]?.about ?? "a drafter");
}
