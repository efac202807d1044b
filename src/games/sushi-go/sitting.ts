// One person at a table of agents: who plays when, and what can be taken back.

import { Random } from "../random.ts";
import type { Agent } from "./agents/agent.ts";
import { actingPlayers } from "./environment.ts";
import { listActions } from "./legal.ts";
import type { SushiState } from "./state.ts";
import { type Recorder, replay, type Transcript } from "./transcript.ts";

const list = new Uint8Array(80);

export const legalActions = (s: SushiState, p: number): number[] => [...list.subarray(0, listActions(s, p, list))];

/** Plays the agents of the seats 1.. , and for seat 0 what leaves it no choice, until it is asked or the game is over. */
export function playOthers(game: Recorder, agents: readonly Agent[]): void {
  const s = game.state;
  while (!s.over) {
    const own = legalActions(s, 0);
    if (own.length > 1) return;
    const [p] = actingPlayers(s);
    if (own.length === 1) game.play(0, own[0]);
    else game.play(p, agents[p - 1].choose(s, p, new Random(game.seed, 211, p, game.moves.length)));
  }
}

/** The index of seat 0's last move that left it a choice. */
export function lastChoice(transcript: Transcript): number | undefined {
  for (let i = transcript.moves.length - 1; i >= 0; i--) {
    if (transcript.moves[i][0] === 0 && legalActions(replay(transcript, i), 0).length > 1) return i;
  }
  return undefined;
}
