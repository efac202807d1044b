// A game against heuristic agents. Rules, agents and search run in the page: nothing is asked of the server.
import {
  type Advice,
  advise,
  adviseTable,
  heuristicAgent,
  lastChoice,
  makeSetup,
  newState,
  playOthers,
  Recorder,
  replay,
  type Transcript,
  tableOfText,
} from "../../../src/games/sushi-go/index.ts";
import { inWords } from "../api/client.ts";
import { createStore } from "../parts/store.ts";

interface Sitting {
  readonly menu: string;
  readonly players: number;
  readonly seed: number;
  readonly game: Recorder | undefined;
  /** What the other seats did since the last choice. */
  readonly news: readonly (readonly [number, string])[];
  readonly hint: Advice | undefined;
  readonly table: string;
  readonly tableAdvice: Advice | undefined;
  readonly problem: string | undefined;
}

const example =
  "menu: my-first-meal\nplayers: 2\nhand: squid, 2x tempura, tea\ntray: wasabi\ntray: sashimi\nknown: egg, 3x miso";
const search = { worlds: 48, budgetMs: 1500 };

export const sitting = createStore<Sitting>({
  menu: "my-first-meal",
  players: 2,
  seed: 1,
  game: undefined,
  news: [],
  hint: undefined,
  table: example,
  tableAdvice: undefined,
  problem: undefined,
});

/** Whatever goes wrong is said on the page. */
function attempt(work: () => Partial<Sitting>): void {
  try {
    sitting.set({ problem: undefined, ...work() });
  } catch (error) {
    sitting.set({ problem: inWords(error) });
  }
}

function goOn(game: Recorder, from: number): Partial<Sitting> {
  playOthers(
    game,
    Array.from({ length: game.state.setup.players - 1 }, () => heuristicAgent),
  );
  const news = game.moves.slice(from).filter(([p, name]) => p !== 0 && name !== "no-call");
  return { game, news, hint: undefined };
}

export function begin(): void {
  const { menu, players, seed } = sitting.get();
  attempt(() => goOn(new Recorder(newState(makeSetup({ menu, players }), seed), seed), 0));
}

export function choose(action: number): void {
  const { game } = sitting.get();
  if (!game) return;
  const from = game.moves.length;
  attempt(() => {
    game.play(0, action);
    return goOn(game, from);
  });
}

export function undo(): void {
  const { game } = sitting.get();
  const last = game && lastChoice(game.transcript);
  if (!game || last === undefined) return;
  const before: Transcript = { ...game.transcript, moves: game.moves.slice(0, last) };
  attempt(() => goOn(new Recorder(replay(before), before.seed, before.moves), last));
}

export function showHint(): void {
  const { game } = sitting.get();
  if (game) attempt(() => ({ hint: advise(game.state, 0, search) }));
}

export function adviseOnTable(): void {
  attempt(() => ({ tableAdvice: adviseTable(tableOfText(sitting.get().table), search) }));
}
