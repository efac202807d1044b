// What a rejected draft teaches: pure functions over the draft and the target's outputs along it.

/** A phrase and the token it belongs under. */
export interface Learned {
  readonly key: number;
  readonly phrase: readonly number[];
}

/**
 * Variant A: each discarded draft token is a key; its phrase is what the target says after it, as long as the draft goes on
 * with just that. `outputs[i]`: the target's token after `draft[i]`. `accepted`: leading draft tokens that were right.
 * Only runs of `phraseLength` outputs count. Source: Zhao et al. 2024, "Ouroboros", phrases from verification.
 */
export function learnFromTail(
  draft: readonly number[],
  outputs: readonly number[],
  accepted: number,
  phraseLength: number,
): Learned[] {
  const learned: Learned[] = [];
  for (let i = accepted; i + phraseLength <= draft.length; i++) {
    const last = i + phraseLength - 1;
    let end = i;
    while (end < last && draft[end + 1] === outputs[end]) end++;
    if (end === last) learned.push({ key: draft[i], phrase: outputs.slice(i, last + 1) });
  }
  return learned;
}

/**
 * Variant B: the target's outputs from the correction to the end of the draft are read as a text, whatever they were said
 * after; each of its tokens is a key. Where that text ends too early, the outputs along each branch continue it.
 * `correction`: the target's token where the draft went wrong; `branches`: the outputs after each token of a suffix branch.
 * Source: the Spec-Bench entry of Ouroboros.
 */
export function learnFromOutputs(
  correction: number,
  outputs: readonly number[],
  accepted: number,
  branches: readonly (readonly number[])[],
  phraseLength: number,
): Learned[] {
  const said = [correction, ...outputs.slice(accepted)];
  const learned: Learned[] = [];
  for (let i = 0; i < said.length; i++) {
    const phrase = said.slice(i + 1, i + 1 + phraseLength);
    if (phrase.length === phraseLength) {
      learned.push({ key: said[i], phrase });
      continue;
    }
    for (const branch of branches) {
      const longer = [...phrase, ...branch.slice(0, phraseLength - phrase.length)];
      if (longer.length === phraseLength) learned.push({ key: said[i], phrase: longer });
    }
  }
  return learned;
}
