// How well the ten players did before the match: evidence on the winner that the paper's value head barely finds in a few
// thousand matches. One number a draft, one weight, fitted once the networks stand.
import { blue, loss, teamOfTurn, win } from "../data/dataset.ts";
import type { PlayerPast } from "./batch.ts";

/** Matches at even odds that are mixed into each player's share of wins. */
const evenMatches = 10;

/** Mean share of wins of blue's players above even, less red's. Matches of unknown outcome do not count. */
export function formOf(players: readonly Pick<PlayerPast, "outcome">[]): number {
  return players.reduce((sum, { outcome }, t) => {
    let [wins, losses] = [0, 0];
    for (let i = 0; i < outcome.length; i++) {
      if (outcome[i] === win) wins++;
      else if (outcome[i] === loss) losses++;
    }
    const above = (wins - losses) / 2 / (wins + losses + evenMatches);
    return sum + (teamOfTurn[t] === blue ? above : -above) / 5;
  }, 0);
}

/**
 * Weight of `form` [matches] beside `logOdds` [matches] that are known already: the most likely one, with a wide normal
 * prior around 0 (deviation 10), by Newton's method.
 */
export function fitFormWeight(form: ArrayLike<number>, logOdds: ArrayLike<number>, blueWin: ArrayLike<number>): number {
  let weight = 0;
  for (let step = 0; step < 20; step++) {
    let slope = -weight / 100;
    let curve = 1 / 100;
    for (let m = 0; m < form.length; m++) {
      const p = 1 / (1 + Math.exp(-(logOdds[m] + weight * form[m])));
      slope += form[m] * (blueWin[m] - p);
      curve += form[m] * form[m] * p * (1 - p);
    }
    weight += slope / curve;
  }
  return weight;
}
