// Advice for a draft in progress: the policy proposes what this player is likely to pick, the value head says what each
// proposal does to the chance of winning, and counted ratings say why.
import { DraftwrightError } from "../../errors.ts";
import { blue, pad, red, specials, teamOfTurn, turns, turnsOfTeam, win } from "./data/dataset.ts";
import { type DraftState, readDraft } from "./draft-state.ts";
import { type DraftSituation, fillMatch, newBatch, type PlayerPast, type View } from "./draftrec/batch.ts";
import type { DraftRecCheckpoint } from "./draftrec/checkpoint.ts";
import { formOf } from "./draftrec/form.ts";
import { sigmoid } from "./draftrec/model.ts";
import { logSumExp } from "./draftrec/train.ts";
import { counterOf, type Rating, type Ratings, strengthOf, synergyOf } from "./ratings.ts";

export interface Counted extends Rating {
  readonly champion: string;
}

export interface DraftPick {
  readonly champion: string;
  /** How likely this player picks it here: habit and fit, not quality. */
  readonly share: number;
  /** Chance that the player's team wins after this pick. */
  readonly winProbability: number;
  /** Change of that chance against now. */
  readonly change: number;
  readonly reasons: readonly string[];
  /** Ratings in Elo points, with half a 95 % interval each. */
  readonly breakdown: {
    readonly strength: Rating;
    readonly synergy: readonly Counted[];
    readonly counter: readonly Counted[];
    readonly total: number;
    readonly margin: number;
  };
  readonly habit: { readonly picks: number; readonly of: number; readonly wins: number | null };
}

export interface DraftAdvice {
  readonly winProbability: { readonly blue: number; readonly red: number };
  readonly next: { readonly team: "blue" | "red"; readonly seat: number } | null;
  readonly picks: readonly DraftPick[];
  /** What each pick so far counts, in Elo points. */
  readonly standing: readonly {
    readonly team: "blue" | "red";
    readonly champion: string;
    readonly points: number;
    readonly margin: number;
  }[];
  readonly drafter: string;
  readonly verifier: string;
  readonly trainedOn: string;
}

export interface AdviseDraftOptions {
  /** 1 to 20; default 5. */
  readonly topK?: number;
}

/** Throws `bad-argument` for unknown names, a champion that is there twice, or more than five seats. */
export function adviseDraft(
  checkpoint: DraftRecCheckpoint,
  state: DraftState,
  { topK = 5 }: AdviseDraftOptions = {},
): DraftAdvice {
  if (!(Number.isSafeInteger(topK) && topK >= 1 && topK <= 20)) {
    throw new DraftwrightError("bad-argument", `${topK} picks cannot be shown: use 1 to 20.`);
  }
  const { model, ratings, trainedOn } = checkpoint;
  const draft = readDraft(checkpoint, state);
  const { situation, turn } = draft;
  const known = (t: number) => situation.champions[t] !== pad;
  const now = winChance(checkpoint, [situation])[0];
  const nameOf = (id: number) => model.champions[id - specials].name;
  const base = {
    winProbability: { blue: now, red: 1 - now },
    standing: standing(ratings, situation, nameOf),
    drafter: "draftrec policy",
    verifier: `draftrec value, mean of both teams' views${model.formWeight === 0 ? "" : ", and the players' form"}`,
    trainedOn,
  };
  if (turn === undefined) return { ...base, next: null, picks: [] };

  const view: View = { team: teamOfTurn[turn] as View["team"], shows: known };
  const batch = newBatch(model.config, 1, 1);
  fillMatch(model.config, batch, 0, situation, [view]);
  const ids = model.config.championIds;
  const logits = model.run(batch).logits.slice(turn * ids, (turn + 1) * ids);
  for (let c = 0; c < ids; c++) if (!draft.allowed(c)) logits[c] = Number.NEGATIVE_INFINITY;
  const total = logSumExp(logits);
  const proposed = [...logits.keys()]
    .filter((c) => logits[c] > -1e8)
    .sort((a, b) => logits[b] - logits[a])
    .slice(0, topK);
  const after = proposed.map((c) => withPick(situation, turn, c));
  const chances = winChance(checkpoint, after);
  const isBlue = teamOfTurn[turn] === blue;
  const picks = proposed.map((id, i) => {
    const winProbability = isBlue ? chances[i] : 1 - chances[i];
    const breakdown = breakDown(ratings, situation, turn, id, nameOf);
    const habit = habitOf(situation.players[turn], id);
    return {
      champion: nameOf(id),
      share: Math.exp(logits[id] - total),
      winProbability,
      change: winProbability - (isBlue ? now : 1 - now),
      reasons: reasonsOf(habit, breakdown),
      breakdown,
      habit,
    };
  });
  return { ...base, next: { team: isBlue ? "blue" : "red", seat: seatOf(turn) }, picks };
}

const seatOf = (turn: number) =>
  (turnsOfTeam[teamOfTurn[turn] === blue ? "blue" : "red"] as readonly number[]).indexOf(turn) + 1;

/** Chance that blue wins, for situations of the same players. */
function winChance({ model }: DraftRecCheckpoint, situations: readonly DraftSituation[]): number[] {
  const { config } = model;
  if (!config.matchNetwork)
    throw new DraftwrightError("bad-argument", "This checkpoint has no match network, so it cannot say who wins.");
  // One graph for one situation and one for many: places that are not used repeat the last one.
  const places = situations.length === 1 ? 1 : 20;
  return situations.length === 0 ? [] : run(places);

  function run(count: number): number[] {
    const batch = newBatch(config, 1, 2 * count);
    const filled = Array.from({ length: count }, (_, i) => situations[Math.min(i, situations.length - 1)]);
    const looks = filled.flatMap((one): View[] =>
      [blue, red].map((team) => ({ team: team as View["team"], shows: (t) => one.champions[t] !== pad })),
    );
    fillMatch(config, batch, 0, filled[0], looks);
    filled.forEach((one, i) => {
      for (let v = 2 * i; v < 2 * i + 2; v++) {
        for (let t = 0; t < turns; t++) batch.champion[v * turns + t] = one.champions[t];
      }
    });
    const { value } = model.run(batch);
    const form = model.formWeight * formOf(situations[0].players);
    return situations.map((_, i) => sigmoid((value[2 * i] + value[2 * i + 1]) / 2 + form));
  }
}

const withPick = (situation: DraftSituation, turn: number, champion: number): DraftSituation => ({
  ...situation,
  champions: Array.from(situation.champions, (c, t) => (t === turn ? champion : c)),
});

function habitOf(past: PlayerPast, id: number): DraftPick["habit"] {
  let [picks, wins, decided] = [0, 0, 0];
  for (let i = 0; i < past.champion.length; i++) {
    if (past.champion[i] !== id) continue;
    picks++;
    if (past.outcome[i] === win) wins++;
    if (past.outcome[i] !== pad) decided++;
  }
  return { picks, of: past.champion.length, wins: decided === picks ? wins : null };
}

function breakDown(
  ratings: Ratings,
  { champions }: DraftSituation,
  turn: number,
  id: number,
  nameOf: (id: number) => string,
): DraftPick["breakdown"] {
  const others = Array.from(champions, (c, t) => ({ c, t })).filter(({ c, t }) => c !== pad && t !== turn);
  const own = ({ t }: { t: number }) => teamOfTurn[t] === teamOfTurn[turn];
  const counted =
    (of: typeof synergyOf) =>
    ({ c }: { c: number }) => ({
      champion: nameOf(c),
      ...of(ratings, id - specials, c - specials),
    });
  const strength = strengthOf(ratings, id - specials);
  const synergy = others.filter(own).map(counted(synergyOf));
  const counter = others.filter((other) => !own(other)).map(counted(counterOf));
  const all: readonly Rating[] = [strength, ...synergy, ...counter];
  return {
    strength,
    synergy,
    counter,
    total: all.reduce((sum, { points }) => sum + points, 0),
    margin: Math.hypot(...all.map(({ margin }) => margin)),
  };
}

/** At least this many Elo points are worth a sentence. */
const notable = 5;

function reasonsOf(habit: DraftPick["habit"], { strength, synergy, counter }: DraftPick["breakdown"]): string[] {
  const reasons: string[] = [];
  if (habit.picks > 0) {
    const record = habit.wins === null ? "" : `, ${habit.wins} won`;
    reasons.push(`habit: ${habit.picks} of the player's ${habit.of} matches${record}`);
  } else if (habit.of > 0) reasons.push(`habit: never in the player's ${habit.of} matches`);
  const said = (kind: string, word: string, list: readonly Counted[]) => {
    const best = [...list].sort((a, b) => Math.abs(b.points) - Math.abs(a.points))[0];
    if (!best || Math.abs(best.points) < notable || best.games === 0) return;
    reasons.push(`${kind}: ${signed(best.points)} Elo ${word} ${best.champion} (${best.games} matches)`);
  };
  said("synergy", "with", synergy);
  said("counter", "against", counter);
  if (Math.abs(strength.points) >= notable)
    reasons.push(`strength: ${signed(strength.points)} Elo (${strength.games} matches)`);
  return reasons;
}

const signed = (points: number) => `${points >= 0 ? "+" : "-"}${Math.abs(points).toFixed(0)}`;

function standing(
  ratings: Ratings,
  situation: DraftSituation,
  nameOf: (id: number) => string,
): DraftAdvice["standing"] {
  return Array.from(situation.champions, (c, t) => ({ c, t }))
    .filter(({ c }) => c !== pad)
    .map(({ c, t }) => {
      const { total, margin } = breakDown(ratings, situation, t, c, nameOf);
      return { team: teamOfTurn[t] === blue ? "blue" : "red", champion: nameOf(c), points: total, margin };
    });
}
