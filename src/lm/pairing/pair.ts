import type { ModelHeader } from "./header.ts";
import { tokenTexts } from "./token-texts.ts";

/** `same-vocabulary`: drafts token by token. `re-encode`: its text must be tokenised anew for the target. `no`: see reasons. */
export type Fit = "same-vocabulary" | "re-encode" | "no";

export interface Pairing {
  readonly fit: Fit;
  /** Why, and what else to know; whole phrases for people. */
  readonly reasons: readonly string[];
  /** Bytes of the drafter's weights over the target's: about what a forward of it costs. */
  readonly sizeRatio: number;
  /** Share of the drafter's tokens whose text is one token of the target too. */
  readonly sharedTokens: number;
}

/** Above this a draft costs so much that not even a perfect one is worth it. */
const largestRatio = 0.5;

/** Whether `drafter` can draft for `target`, and why not. */
export function pairModels(target: ModelHeader, drafter: ModelHeader): Pairing {
  const sizeRatio = drafter.weightBytes / target.weightBytes;
  const against: string[] = [];
  if (target.refusal) against.push(`the target does not run: ${target.refusal}`);
  if (drafter.refusal) against.push(`it does not run: ${drafter.refusal}`);
  if (sizeRatio > largestRatio) {
    against.push(`it has ${percent(sizeRatio)} of the target's weights, and drafting must cost far less than decoding`);
  }
  const { fit, sharedTokens, notes } = compareVocabularies(target, drafter);
  if (against.length > 0) return { fit: "no", reasons: against, sizeRatio, sharedTokens };
  const reasons = [...notes];
  if (fit !== "no" && drafter.contextLength < target.contextLength) {
    reasons.push(`it drafts within its context of ${drafter.contextLength} tokens only`);
  }
  return { fit, reasons, sizeRatio, sharedTokens };
}

interface Comparison {
  readonly fit: Fit;
  readonly sharedTokens: number;
  readonly notes: readonly string[];
}

function compareVocabularies(target: ModelHeader, drafter: ModelHeader): Comparison {
  const [ours, theirs] = [target.vocabulary, drafter.vocabulary];
  if (!ours || !theirs) {
    return { fit: "no", sharedTokens: 0, notes: [`the ${ours ? "drafter" : "target"} has no vocabulary`] };
  }
  if (ours.hash === theirs.hash) {
    const notes = ["the same vocabulary"];
    for (const name of ["bos", "eos"] as const) {
      if (ours[name] !== theirs[name]) notes.push(`its ${name} token is ${theirs[name]}, the target's ${ours[name]}`);
    }
    return { fit: "same-vocabulary", sharedTokens: 1, notes };
  }
  const ourTexts = tokenTexts(ours.tokens, ours.kind);
  const theirTexts = tokenTexts(theirs.tokens, theirs.kind);
  const known = new Set(ourTexts);
  const sharedTokens = theirTexts.filter((text) => known.has(text)).length / theirTexts.length;
  const length = Math.min(ourTexts.length, theirTexts.length);
  const added = Math.abs(ourTexts.length - theirTexts.length);
  const notes: string[] = [];
  if (ourTexts.slice(0, length).every((text, id) => text === theirTexts[id])) {
    const more = ourTexts.length > theirTexts.length ? "the target" : "it";
    notes.push(added > 0 ? `${more} has ${added} added tokens` : "the same tokens, but merged by other rules");
  } else {
    notes.push(
      `another vocabulary: ${percent(sharedTokens)} of its ${theirTexts.length} tokens are tokens of the target`,
    );
  }
  return { fit: "re-encode", sharedTokens, notes };
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
