// Advice for one decision: the proposer drafts, search verifies, and each pick says in words why.
import { Random } from "../random.ts";
import { actionNames, phase, phaseNames } from "./actions.ts";
import { type Candidate, heuristicProposer, type SearchOptions, search } from "./agents/search.ts";
import {
  chopsticks,
  circle,
  eel,
  egg,
  faceCount,
  faceNames,
  faceOfKind,
  iceCream,
  kindCount,
  maki1,
  sashimi,
  squid,
  temaki,
  tempura,
  tofu,
  wasabi,
} from "./cards.ts";
import { isHandKnown } from "./observe.ts";
import { dessertCount } from "./scoring.ts";
import { phaseOf, type SushiState } from "./state.ts";
import { stateOfTable, type Table } from "./table.ts";

export interface AdviseOptions extends SearchOptions {
  /** `false` ranks by the proposer alone. */
  readonly verify?: boolean;
  readonly seed?: number;
}

export interface Pick {
  readonly action: string;
  readonly pDraft: number;
  /** Expected margin in points at the end of the advice's horizon; null when not verified. */
  readonly value: number | null;
  readonly ci: number | null;
  readonly reasons: readonly string[];
}

export interface Advice {
  readonly phase: string;
  readonly picks: readonly Pick[];
  readonly drafter: string;
  readonly verifier: string | null;
  /** What values speak of: the end of the round, or with a network's judgement of the game. */
  readonly horizon: "round" | "game";
  readonly worlds: number;
  readonly acceptedFrom: number;
  /** By seat to the left: what that hand is known to hold before its next pick, or null. */
  readonly knownHands: readonly (readonly string[] | null)[];
}

/** Ranks player p's actions; throws bad-argument when p is not asked. */
export function advise(s: SushiState, p: number, options: AdviseOptions = {}): Advice {
  return adviseWith(s, p, options, (q) => isHandKnown(s, q));
}

/** Advice for a written table; hands that it leaves out are dealt anew in every sample. Throws bad-argument. */
export function adviseTable(table: Table, options: AdviseOptions = {}): Advice {
  const seed = options.seed ?? 1;
  const s = stateOfTable(table, seed);
  const known = (q: number) => table.known?.[q - 1] != null;
  return adviseWith(s, 0, options, known, (into, index) => into.copyFrom(stateOfTable(table, seed + 1 + index)));
}

function adviseWith(
  s: SushiState,
  p: number,
  { verify = true, seed = 1, topK = 5, ...options }: AdviseOptions,
  known: (q: number) => boolean,
  world?: (into: SushiState, index: number) => void,
): Advice {
  const result = search(s, p, new Random(seed), { ...options, topK, worlds: verify ? options.worlds : 0 }, world);
  return {
    phase: phaseNames[phaseOf(s, p)],
    picks: result.candidates.slice(0, topK).map((candidate) => ({
      action: actionNames[candidate.action],
      pDraft: candidate.pDraft,
      value: candidate.verified ? candidate.value : null,
      ci: candidate.verified ? candidate.ci : null,
      reasons: reasons(s, p, candidate, known),
    })),
    drafter: (options.proposer ?? heuristicProposer).name,
    verifier: result.worlds > 0 ? `rollouts of ${(options.rollout ?? { name: "heuristic" }).name}` : null,
    horizon: options.value ? "game" : "round",
    worlds: result.worlds,
    acceptedFrom: result.acceptedFrom,
    knownHands: Array.from({ length: s.setup.players - 1 }, (_, i) =>
      known(i + 1) ? handNames(s, (p + i + 1) % s.setup.players) : null,
    ),
  };
}

/** A hand's cards by name. */
export function handNames(s: SushiState, p: number): string[] {
  const base = s.slot(p) * kindCount;
  return Array.from(s.setup.kinds).flatMap((kind) =>
    Array<string>(s.hands[base + kind]).fill(faceNames[faceOfKind[kind]]),
  );
}

function reasons(s: SushiState, p: number, { action: a }: Candidate, known: (q: number) => boolean): string[] {
  if (a >= faceCount) return [];
  const found = [...setReasons(s, p, a)];
  const n = s.setup.players;
  if (phaseOf(s, p) === phase.pick) {
    const left = (p + 1) % n;
    const want = wantedBy(s, left, a);
    if (want) found.push(`the left neighbour, who gets this hand, ${want}`);
    const holders: number[] = [];
    for (let q = 1; q < n; q++) if (known(q) && handNames(s, (p + q) % n).includes(faceNames[a])) holders.push(q);
    if (holders.length > 0) found.push(`also in the known hand ${holders.map((q) => `${q} to the left`).join(", ")}`);
  }
  return found;
}

function* setReasons(s: SushiState, p: number, a: number): Generator<string> {
  const count = s.tray[p * faceCount + a];
  if (a <= squid) {
    if (s.freeWasabi[p] > 0) yield `on wasabi: ${3 * (a - egg + 1)} points`;
    else yield `${a - egg + 1} point${a === egg ? "" : "s"}`;
  } else if (a >= maki1 && a < temaki) yield `${a - maki1 + 1} icons towards most maki`;
  else if (a >= circle && a < circle + 4) yield count === 0 ? "a new shape" : "starts another set";
  else if (a === wasabi) yield "triples the next nigiri";
  else if (a === tempura) yield count % 2 === 1 ? "completes a pair: 5 points" : "starts a pair";
  else if (a === sashimi) yield count % 3 === 2 ? "completes three: 10 points" : `${(count % 3) + 1} of 3`;
  else if (a === eel) yield count === 0 ? "-3 alone, 7 with another" : count === 1 ? "from -3 to 7" : "no more points";
  else if (a === tofu) yield count >= 2 ? "a third tofu loses all" : count === 1 ? "from 2 to 6 points" : "2 points";
  else if (a === chopsticks) yield "two cards in a later turn";
  else if (a === iceCream) yield `ice cream ${dessertCount(s, p, iceCream) + 1}: 12 points for every four`;
  else if (count > 0) yield `${count} there already`;
}

function wantedBy(s: SushiState, p: number, a: number): string | undefined {
  const count = s.tray[p * faceCount + a];
  if (a === sashimi && count % 3 === 2) return "lacks one sashimi for 10";
  if (a === tempura && count % 2 === 1) return "lacks one tempura for 5";
  if (a === eel && count === 1) return "lacks one eel for 7";
  if (a <= squid && a > egg && s.freeWasabi[p] > 0) return "has a free wasabi";
  return undefined;
}
