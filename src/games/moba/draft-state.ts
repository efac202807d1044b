// A draft in progress as a user writes it down, and what the networks are asked with.
import { z } from "zod";
import { DraftwrightError } from "../../errors.ts";
import { type Champion, loss, pad, specials, turnsOfTeam, unknown, win } from "./data/dataset.ts";
import type { DraftSituation, PlayerPast } from "./draftrec/batch.ts";
import type { DraftRecCheckpoint } from "./draftrec/checkpoint.ts";

interface PastMatch {
  readonly champion: string | number;
  readonly win?: boolean;
  readonly role?: string;
}

/** A champion by name or by the source's id; case, spaces and punctuation do not matter. */
export interface DraftPlayer {
  readonly champion?: string | number | null;
  readonly role?: string;
  /** Earlier picks, oldest first. */
  readonly history?: readonly (string | number | PastMatch)[];
}

/** A draft in progress. Seats that are not listed are empty. */
export interface DraftState {
  readonly bans?: readonly (string | number)[];
  readonly blue?: readonly DraftPlayer[];
  readonly red?: readonly DraftPlayer[];
  /** Who picks next; seats count from 1. Default: the first empty seat in the order 1-2-2-2-2-1. */
  readonly next?: { readonly team: "blue" | "red"; readonly seat: number };
  /** Only these are proposed. */
  readonly pool?: readonly (string | number)[];
}

const champion = z.union([z.string(), z.number()], { error: "it must be a champion's name or id" });
const pastMatch = z.strictObject({ champion, win: z.boolean().optional(), role: z.string().optional() });
const player = z.strictObject({
  champion: champion.nullish(),
  role: z.string().optional(),
  history: z
    .array(z.union([z.string(), z.number(), pastMatch], { error: "it must be a champion, or { champion, win, role }" }))
    .optional(),
});
const team = z.array(player).max(5, "it must be a list of five players at most");

const draftState = z.strictObject({
  bans: z.array(champion).optional(),
  blue: team.optional(),
  red: team.optional(),
  next: z.strictObject({ team: z.enum(["blue", "red"]), seat: z.int().min(1).max(5) }).optional(),
  pool: z.array(champion).optional(),
});

export interface Draft {
  readonly situation: DraftSituation;
  readonly turn: number | undefined;
  readonly allowed: (id: number) => boolean;
}

/** Throws `bad-argument` for anything that is no draft, unknown names, and a champion that is there twice. */
export function readDraft({ model, trend }: DraftRecCheckpoint, input: DraftState): Draft {
  const state = checked(input);
  const find = finder(model.champions);
  const seats = (["blue", "red"] as const).flatMap((team) => {
    const players = state[team] ?? [];
    return turnsOfTeam[team].map((turn, i) => ({ turn, player: players[i] ?? {} }));
  });
  seats.sort((a, b) => a.turn - b.turn);
  const roleOf = (role: string | undefined) => {
    if (role === undefined) return model.roles.length > 0 ? unknown : pad;
    const at = model.roles.findIndex((name) => plain(name) === plain(role));
    if (at >= 0) return specials + at;
    throw new DraftwrightError(
      "bad-argument",
      `There is no role "${role}"; ${model.roles.length > 0 ? `use ${model.roles.join(", ")}` : "this checkpoint knows no roles, leave it out"}.`,
    );
  };
  const champions = seats.map(({ player }) =>
    player.champion === undefined || player.champion === null || player.champion === "" ? pad : find(player.champion),
  );
  const bans = (state.bans ?? []).map(find);
  const taken = [...champions.filter((c) => c !== pad), ...bans];
  const twice = taken.find((c, i) => taken.indexOf(c) !== i);
  if (twice !== undefined) {
    throw new DraftwrightError(
      "bad-argument",
      `${model.champions[twice - specials].name} is picked or banned twice. Correct the state.`,
    );
  }
  const turn = nextTurn(state, champions);
  const pool = state.pool && new Set(state.pool.map(find));
  const used = new Set(taken);
  const zeros = (n: number) => new Float32Array(n * model.statNames.length);
  const players = seats.map(({ player: { history = [] } }): PlayerPast => {
    const entries: readonly PastMatch[] = history.map((one) => (typeof one === "object" ? one : { champion: one }));
    return {
      champion: entries.map((one) => find(one.champion)),
      role: entries.map((one) => roleOf(one.role)),
      outcome: entries.map((one) => (one.win === undefined ? pad : one.win ? win : loss)),
      stats: zeros(entries.length),
    };
  });
  return {
    situation: { players, champions, roles: seats.map(({ player }) => roleOf(player.role)), bans, trend },
    turn,
    allowed: (id) => id >= specials && !used.has(id) && (!pool || pool.has(id)),
  };
}

function checked(state: DraftState): DraftState {
  const { success, error } = draftState.safeParse(state);
  if (success) return state;
  const [{ path, message }] = error.issues;
  throw new DraftwrightError(
    "bad-argument",
    `The draft${path.length > 0 ? `'s ${path.join(".")}` : ""}: ${message}. docs/moba.md shows one.`,
  );
}

function nextTurn({ next }: DraftState, champions: readonly number[]): number | undefined {
  if (!next) {
    const turn = champions.indexOf(pad);
    return turn < 0 ? undefined : turn;
  }
  const turn = turnsOfTeam[next.team]?.[next.seat - 1];
  if (turn === undefined || champions[turn] !== pad) {
    throw new DraftwrightError("bad-argument", `"next" must name an empty seat: team blue or red, seat 1 to 5.`);
  }
  return turn;
}

const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");

function finder(champions: readonly Champion[]): (name: string | number) => number {
  const byName = new Map(
    champions.flatMap(({ key, name }, i) => [
      [plain(key), specials + i] as const,
      [plain(name), specials + i] as const,
    ]),
  );
  const byKey = new Map(champions.map(({ key }, i) => [key, specials + i]));
  return (name) => {
    const id = typeof name === "number" ? byKey.get(String(name)) : byName.get(plain(name));
    if (id !== undefined) return id;
    const near = champions
      .filter((one) => plain(String(name)) !== "" && plain(one.name).startsWith(plain(String(name)).slice(0, 3)))
      .map((one) => one.name);
    throw new DraftwrightError(
      "bad-argument",
      `There is no champion "${name}".${near.length > 0 ? ` Near: ${near.slice(0, 5).join(", ")}.` : " Names or ids of the checkpoint's game are known."}`,
    );
  };
}
