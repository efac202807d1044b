import { DraftwrightError } from "../../errors.ts";

/** What the rulebook leaves open. Defaults are the literal reading where there is one. */
export interface RuleOptions {
  /**
   * Temaki and puddings when all players have equally many. `literal`: they are most and fewest at once, so the bonus and
   * (with three or more) the penalty; `nothing`: no points; `zero-pays`: only the penalty, and only if all have none.
   */
  readonly allTied: "literal" | "nothing" | "zero-pays";
  /** Maki places go to `distinct` numbers of icons (printed example: 5,5,3,1 gives 6,6,3,0), or a tie `swallow`s places. */
  readonly makiPlaces: "distinct" | "swallow";
  /** A nigiri on a wasabi is flipped: the wasabi is `free` again, or `spent`. */
  readonly flippedNigiriWasabi: "free" | "spent";
  /** Face-down cards have no colour (`none`), or all share one of their own (`back`). */
  readonly faceDownColor: "none" | "back";
  /** At round end the free uramaki places go to the player with most icons only (`next`), or to all in turn (`all`). */
  readonly uramakiLeftovers: "next" | "all";
  /** Copies of uramaki with 3, 4 and 5 icons, 12 in all; sources disagree (4,4,4 or 3,5,4). */
  readonly uramakiCopies: readonly [number, number, number];
  /** Chopsticks and spoons one player may call in one turn. */
  readonly bonusCalls: number;
}

export const defaultRules: RuleOptions = {
  allTied: "literal",
  makiPlaces: "distinct",
  flippedNigiriWasabi: "free",
  faceDownColor: "none",
  uramakiLeftovers: "next",
  uramakiCopies: [4, 4, 4],
  bonusCalls: 1,
};

const choices: { readonly [K in keyof RuleOptions]?: readonly RuleOptions[K][] } = {
  allTied: ["literal", "nothing", "zero-pays"],
  makiPlaces: ["distinct", "swallow"],
  flippedNigiriWasabi: ["free", "spent"],
  faceDownColor: ["none", "back"],
  uramakiLeftovers: ["next", "all"],
};

/** Fills in the defaults; throws bad-argument for what it does not know. */
export function checkedRules(options: Partial<RuleOptions> = {}): RuleOptions {
  const refuse = (message: string) => {
    throw new DraftwrightError("bad-argument", message);
  };
  if (typeof options !== "object" || options === null) refuse('Rules are options by name, such as {"bonusCalls": 2}.');
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(defaultRules, name)) {
      refuse(`There is no rule option "${name}". Options: ${Object.keys(defaultRules).join(", ")}.`);
    }
    const allowed = choices[name as keyof RuleOptions] as readonly unknown[] | undefined;
    if (allowed && !allowed.includes(value)) {
      refuse(`Rule option ${name} is ${JSON.stringify(value)}. Use ${allowed.join(" or ")}.`);
    }
  }
  const rules = { ...defaultRules, ...options };
  const { uramakiCopies: copies, bonusCalls } = rules;
  const counts = Array.isArray(copies) && copies.length === 3 && copies.every((c) => Number.isInteger(c) && c >= 0);
  if (!counts || copies[0] + copies[1] + copies[2] !== 12) {
    refuse("Rule option uramakiCopies needs three counts that add up to 12, such as 4,4,4.");
  }
  if (!Number.isInteger(bonusCalls) || bonusCalls < 1 || bonusCalls > 6) {
    refuse("Rule option bonusCalls needs an integer from 1 to 6.");
  }
  return rules;
}
