// Drafting games as environments: what a game offers agents (environment.ts), seeded streams, intervals, and the games, one
// folder each. Nothing here knows of terminals; only moba reads files of matches.
export { type Action, type Environment, type Player, type StepResult, type Turn, turns } from "./environment.ts";
export { bootstrap, type Interval, wilson } from "./intervals.ts";
export * from "./moba/index.ts";
export { Adam, Mlp, type Network, type NetworkShape, SparseInput } from "./networks/index.ts";
export { Random } from "./random.ts";
export * from "./sushi-go/index.ts";
export { type VectorEnvironment, type VectorOptions, vectorize } from "./vectorize.ts";
