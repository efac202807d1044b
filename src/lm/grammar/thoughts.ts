/** What reasoning models write around their thoughts: Qwen, DeepSeek and others. */
export const thoughtTags = { open: "<think>", close: "</think>" } as const;

/** Between the thoughts and what they lead to. */
const gap = "[ \\t\\r\\n]{0,4}";

/**
 * A grammar in GBNF behind thoughts, which are free but for the tag that ends them. `begun`: the prompt has opened them;
 * otherwise the output may open them, or have none. `start`: the rule with which the text begins; `root` stays the rule of
 * what follows.
 */
export function behindThoughts(gbnf: string, begun: boolean): { readonly gbnf: string; readonly start: string } {
  const { open, close } = thoughtTags;
  let name = "thoughts";
  while (gbnf.includes(name)) name += "-x";
  const state = (read: number) => (read === close.length ? gap : `${name}-${read}`);
  const letters = [...new Set(close)];
  const rules = [...close].map((_, read) => {
    const ways = letters.flatMap((letter) => {
      const next = longestBeginning(close.slice(0, read) + letter, close);
      return next === 0 ? [] : [{ letter, way: `"${letter}" ${state(next)}` }];
    });
    const others = `[^${ways.map(({ letter }) => letter).join("")}] ${state(0)}`;
    return `${state(read)} ::= ${[...ways.map(({ way }) => way), others].join(" | ")}`;
  });
  const thoughts = begun ? state(0) : `(${gap} "${open}" ${state(0)})?`;
  return { gbnf: [gbnf, ...rules, `${name} ::= ${thoughts} root`].join("\n"), start: name };
}

/** Length of the longest end of `text` with which `tag` begins: how much of it has been read. */
export function longestBeginning(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
