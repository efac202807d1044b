import type { Round } from "../api/generate.ts";

/** Why a round ran as it did, for people. */
export const decisions: Record<Round["trace"]["decision"], string> = {
  off: "Drafting is off.",
  "last-token": "Only one token was left to emit.",
  unasked: "Nothing has paid for long: the drafters were not asked.",
  "no-offer": "No drafter had an idea.",
  forced: "A budget forced the draft.",
  survey: "Everything was drafted, to learn.",
  bought: "Drafted: it was expected to pay.",
  probe: "Tried once, to learn whether it pays again.",
  declined: "No offer was expected to pay.",
  "draft-discarded": "Drafted, but too unsure to verify.",
  "slower-than-plain": "Drafting did not pay lately, so this round was plain.",
  "plain-baseline": "Plain, to measure the plain speed.",
};
