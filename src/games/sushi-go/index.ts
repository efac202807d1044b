// Sushi Go Party!: the whole game (22 tiles, 2-8 players) as an environment for agents, scripted agents and search, agents
// that learn (learning/), paired evaluation, and advice. cards.ts and rules.ts are data; state.ts is one buffer; play.ts
// carries out a decision; scoring.ts is checked against testing/reference.ts. No files and no terminal here.
export { actionCount, actionNamed, actionNames, phase, phaseNames } from "./actions.ts";
export { type Advice, type AdviseOptions, advise, adviseTable, handNames, type Pick } from "./advise.ts";
export { type Agent, observingAgent, randomAgent } from "./agents/agent.ts";
export { fanPanel, greedyAgent, heuristicAgent, tileFan } from "./agents/scripted.ts";
export {
  type Candidate,
  heuristicProposer,
  marginNow,
  type Proposer,
  type SearchOptions,
  type SearchResult,
  search,
  searchAgent,
} from "./agents/search.ts";
export { faceNames, type TileName, tileNames } from "./cards.ts";
export { decode, encode } from "./codec.ts";
export { newState, start } from "./deal.ts";
export { actingPlayers, type ResetOptions, type SushiEnvironment, sushiEnvironment } from "./environment.ts";
export {
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  playGame,
  type TournamentRow,
  tournament,
  winShares,
} from "./evaluate.ts";
export * from "./learning/index.ts";
export { isLegal, listActions } from "./legal.ts";
export { checkedMenu, excludedTiles, legalMenus, type MenuSpec, menuProblem, stockMenus } from "./menus.ts";
export { countText, faceNamed, splitCards } from "./names.ts";
export { isHandKnown, type ObserveOptions, observationSize, observe } from "./observe.ts";
export { play } from "./play.ts";
export { resample } from "./resample.ts";
export { defaultRules, type RuleOptions } from "./rules.ts";
export { addDessertPoints, addRoundPoints, dessertTotal } from "./scoring.ts";
export { makeSetup, type Setup, type SetupOptions } from "./setup.ts";
export { lastChoice, legalActions, playOthers } from "./sitting.ts";
export { actingMask, phaseOf, SushiState } from "./state.ts";
export * from "./studies/index.ts";
export { stateOfTable, type Table } from "./table.ts";
export { tableOfText } from "./table-text.ts";
export { Recorder, replay, type Transcript } from "./transcript.ts";
export { questions, trayText } from "./words.ts";
