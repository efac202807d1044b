// One game of Sushi Go Party! between two agents, advice for a pick, and an interval from paired deals.
//   node examples/sushi.js
import { adviseTable, evaluate, greedyAgent, heuristicAgent, Random, sushiEnvironment, turns } from "draftwright/games";

const environment = sushiEnvironment({ players: 2, menu: "my-first-meal" });
const game = environment.reset({ seed: 7 });
const random = new Random(7);
const agents = [heuristicAgent, greedyAgent];
for (const { player } of turns(environment, game)) {
  environment.step(game, agents[player].choose(game, player, random));
}
console.log("scores:", [...game.score]);

const advice = adviseTable(
  {
    menu: "my-first-meal",
    players: 2,
    hand: ["squid", "tempura", "tempura", "tea"],
    trays: [["wasabi"], ["sashimi"]],
    known: [["egg", "miso", "miso", "miso"]],
  },
  { worlds: 16 },
);
for (const { action, value, reasons } of advice.picks) console.log(action, value?.toFixed(1), reasons.join("; "));

const { winRate, lo, hi } = evaluate({
  agent: heuristicAgent,
  opponents: [greedyAgent],
  players: 2,
  games: 100,
  seed: 1,
});
console.log(`heuristic against greedy: ${winRate} (${lo.toFixed(2)} to ${hi.toFixed(2)})`);
