// DraftRec (Lee et al., WWW 2022) as ggml graphs: a player network over each player's past matches, run once a match, and
// a match network over the ten picks, run for every view of the match. reference.ts says the same in plain loops and is
// the oracle of this file.
import type { Backend } from "../../../ggml/index.ts";
import * as nn from "../../../nn/index.ts";
import { teamOfTurn, turns } from "../data/dataset.ts";
import { type DraftBatch, habitChannels } from "./batch.ts";
import type { DraftRecConfig } from "./config.ts";
import { dropout } from "./dropout.ts";

type Indices = nn.Input<Int32Array<ArrayBuffer>>;

/** Their layer norm divides by the unbiased deviation + 1e-6; the constant factor between the two lives in the gain. */
const epsilon = 1e-12;

class Block {
  readonly norm: nn.LayerNorm;
  readonly query: nn.Linear;
  readonly key: nn.Linear;
  readonly value: nn.Linear;
  readonly output: nn.Linear;
  readonly feedNorm: nn.LayerNorm;
  readonly up: nn.Linear;
  readonly down: nn.Linear;
  readonly heads: number;

  constructor(all: nn.Parameters, name: string, { hidden, heads }: DraftRecConfig) {
    const linear = (part: string, inputs: number, outputs: number) =>
      new nn.Linear(all, `${name}.${part}`, inputs, outputs, { initialiser: nn.normal(1 / Math.sqrt(hidden)) });
    this.heads = heads;
    this.norm = new nn.LayerNorm(all, `${name}.norm`, hidden, epsilon);
    this.query = linear("query", hidden, hidden);
    this.key = linear("key", hidden, hidden);
    this.value = linear("value", hidden, hidden);
    this.output = linear("output", hidden, hidden);
    this.feedNorm = new nn.LayerNorm(all, `${name}.feedNorm`, hidden, epsilon);
    this.up = linear("up", hidden, 4 * hidden);
    this.down = linear("down", 4 * hidden, hidden);
  }

  /** x [H, rows, n]; `last`: only the last row is wanted, and only its query is computed: [H, 1, n]. */
  apply(x: nn.Variable, drop: (x: nn.Variable) => nn.Variable, mask?: nn.Variable, last = false): nn.Variable {
    const [hidden, rows, n] = x.shape;
    const normed = this.norm.apply(x);
    const end = (y: nn.Variable) => (last ? nn.slice(y, 1, rows - 1, 1) : y);
    const split = (y: nn.Variable) => nn.reshape(y, hidden / this.heads, this.heads, y.shape[1], n);
    const q = split(this.query.apply(end(normed)));
    const mixed = attend(q, split(this.key.apply(normed)), split(this.value.apply(normed)), drop, mask);
    const y = nn.add(end(x), drop(this.output.apply(mixed)));
    return nn.add(y, drop(this.down.apply(drop(nn.gelu(this.up.apply(this.feedNorm.apply(y)))))));
  }
}

/** Attention whose chances can be dropped. q [head, heads, rows, n], k and v [head, heads, kv, n] -> [H, rows, n]. */
function attend(
  q: nn.Variable,
  k: nn.Variable,
  v: nn.Variable,
  drop: (x: nn.Variable) => nn.Variable,
  mask?: nn.Variable,
): nn.Variable {
  const [size, heads, rows, n] = q.shape;
  const scores = nn.matmul(nn.permute(k, [0, 2, 1, 3]), nn.permute(q, [0, 2, 1, 3]));
  const chances = drop(nn.softmax(scores, mask, 1 / Math.sqrt(size)));
  const mixed = nn.matmul(nn.permute(v, [1, 2, 0, 3]), chances);
  return nn.reshape(nn.permute(mixed, [0, 2, 1, 3]), size * heads, rows, n);
}

/** The parameters; `apply` puts the network on a tape. */
export class DraftRecNetwork {
  readonly config: DraftRecConfig;
  readonly parameters: nn.Parameters;
  readonly #championTable: nn.Embedding;
  readonly #role: nn.Embedding;
  readonly #team: nn.Embedding | undefined;
  readonly #outcome: nn.Embedding | undefined;
  readonly #stat: nn.Linear | undefined;
  readonly #player: readonly Block[];
  readonly #playerNorm: nn.LayerNorm | undefined;
  readonly #match: readonly Block[];
  readonly #matchNorm: nn.LayerNorm | undefined;
  readonly #policy: nn.Linear;
  readonly #policyBias: nn.Parameter;
  readonly #value: readonly [nn.Linear, nn.Linear] | undefined;
  readonly #habits: nn.Linear | undefined;

  constructor(backend: Backend, config: DraftRecConfig, seed = 1) {
    this.config = config;
    this.parameters = new nn.Parameters(backend, seed);
    const all = this.parameters;
    const { hidden, blocks } = config;
    const initialiser = nn.normal(1 / Math.sqrt(hidden));
    const table = (name: string, entries: number) => new nn.Embedding(all, name, entries, hidden, initialiser);
    const linear = (name: string, inputs: number, outputs: number) =>
      new nn.Linear(all, name, inputs, outputs, { initialiser });
    const stack = (name: string) => Array.from({ length: blocks }, (_, i) => new Block(all, `${name}.${i}`, config));
    this.#championTable = table("champion", config.championIds);
    this.#role = table("role", config.roleIds);
    this.#policy = linear("policy", hidden, hidden);
    this.#policyBias = all.create("policy.championBias", [config.championIds], nn.zeros);
    if (config.playerNetwork) {
      this.#outcome = table("outcome", 6);
      this.#stat = config.stats > 0 ? linear("stat", config.stats, hidden) : undefined;
      this.#player = stack("player");
      this.#playerNorm = new nn.LayerNorm(all, "player.norm", hidden, epsilon);
    } else this.#player = [];
    if (config.matchNetwork) {
      this.#team = table("team", 6);
      this.#match = stack("match");
      this.#matchNorm = new nn.LayerNorm(all, "match.norm", hidden, epsilon);
      this.#value = [linear("value.0", hidden, hidden), linear("value.1", hidden, 1)];
    } else this.#match = [];
    if (config.habits) {
      // Starts as the shares of the player, so that the networks learn what those do not say.
      const weights: nn.Initialiser = (values) => values.set([1, 0, 0]);
      this.#habits = new nn.Linear(all, "habits", habitChannels, 1, { bias: false, initialiser: weights });
    }
  }

  /** A graph for batches of one size. `random` turns dropout on. */
  apply(tape: nn.Tape, matches: number, viewsPerMatch: number, random?: nn.Random): DraftRecGraph {
    const { config } = this;
    const drop = (x: nn.Variable) => (random ? dropout(x, config.dropout, random) : x);
    const inputs = makeInputs(tape, config, matches, viewsPerMatch);
    const player = config.playerNetwork ? this.#players(tape, inputs, drop) : undefined;
    const match = config.matchNetwork ? this.#matches(tape, inputs, player, drop) : undefined;
    const rows = match
      ? nn.selectRows(nn.reshape(match, config.hidden, turns * viewsPerMatch * matches), inputs.policyRow)
      : (player as nn.Variable);
    const scores = this.#championTable.scores(nn.gelu(this.#policy.apply(rows)));
    let logits = nn.add(scores, tape.use(this.parameters, this.#policyBias));
    if (this.#habits) {
      const habits = this.#habits.apply(inputs.habits.variable);
      logits = nn.add(logits, nn.reshape(habits, config.championIds, turns * matches));
    }
    logits = nn.add(logits, inputs.unavailable.variable);
    return { inputs, logits, value: match && this.#valueOf(inputs, match) };
  }

  /** [H, 10 * matches] */
  #players(tape: nn.Tape, inputs: Inputs, drop: (x: nn.Variable) => nn.Variable): nn.Variable {
    const { hidden, history } = this.config;
    let flat = nn.add(
      nn.add(this.#championTable.apply(tape, inputs.pastChampion), this.#role.apply(tape, inputs.pastRole)),
      (this.#outcome as nn.Embedding).apply(tape, inputs.pastOutcome),
    );
    if (this.#stat) flat = nn.add(flat, this.#stat.apply(inputs.pastStats.variable));
    const players = flat.rows / history;
    let x = nn.add(nn.reshape(flat, hidden, history, players), inputs.pastPosition.variable);
    x = drop(x);
    const mask = this.config.quirks.attendPadding ? undefined : inputs.keyMask.variable;
    const lastMask = mask && nn.slice(mask, 1, 0, 1);
    this.#player.forEach((block, i) => {
      const last = i === this.#player.length - 1;
      x = block.apply(x, drop, last ? lastMask : mask, last);
    });
    return (this.#playerNorm as nn.LayerNorm).apply(nn.reshape(x, hidden, players));
  }

  /** [H, 10, views * matches] */
  #matches(
    tape: nn.Tape,
    inputs: Inputs,
    player: nn.Variable | undefined,
    drop: (x: nn.Variable) => nn.Variable,
  ): nn.Variable {
    const { hidden } = this.config;
    const [, , viewsPerMatch, matches] = inputs.userShown.variable.shape;
    const rows = viewsPerMatch * matches;
    let flat = nn.mul(this.#championTable.apply(tape, inputs.champion), inputs.championShown.variable);
    flat = nn.add(flat, this.#role.apply(tape, inputs.role));
    if (player) {
      const spread = nn.repeat(nn.reshape(player, hidden, turns, 1, matches), [hidden, turns, viewsPerMatch, matches]);
      flat = nn.add(flat, nn.reshape(nn.mul(spread, inputs.userShown.variable), hidden, turns * rows));
    }
    let x = nn.add(nn.reshape(flat, hidden, turns, rows), (this.#team as nn.Embedding).apply(tape, inputs.team));
    x = drop(nn.add(x, inputs.turnPosition.variable));
    for (const block of this.#match) x = block.apply(x, drop);
    return (this.#matchNorm as nn.LayerNorm).apply(x);
  }

  /** Log odds that blue wins: [views * matches]. */
  #valueOf(inputs: Inputs, match: nn.Variable): nn.Variable {
    const [hidden, , rows] = match.shape;
    const byTurn = nn.reshape(nn.permute(match, [1, 0, 2, 3]), turns, hidden * rows);
    const difference = nn.reshape(nn.matmul(inputs.teamWeights.variable, byTurn), hidden, rows);
    const [first, second] = this.#value as readonly [nn.Linear, nn.Linear];
    const head = (x: nn.Variable) => second.apply(nn.gelu(first.apply(x)));
    const value = this.config.quirks.freeValue
      ? head(difference)
      : nn.sub(head(difference), head(nn.scale(difference, -1)));
    return nn.reshape(value, rows);
  }

  [Symbol.dispose](): void {
    this.parameters[Symbol.dispose]();
  }
}

export interface DraftRecGraph {
  readonly inputs: Inputs;
  /** [champion ids, 10 * matches] */
  readonly logits: nn.Variable;
  /** [views * matches] */
  readonly value: nn.Variable | undefined;
}

export interface Inputs {
  readonly pastChampion: Indices;
  readonly pastRole: Indices;
  readonly pastOutcome: Indices;
  readonly pastStats: nn.Input;
  readonly pastPosition: nn.Input;
  readonly keyMask: nn.Input;
  readonly champion: Indices;
  readonly championShown: nn.Input;
  readonly role: Indices;
  readonly userShown: nn.Input;
  readonly team: Indices;
  readonly turnPosition: nn.Input;
  readonly teamWeights: nn.Input;
  readonly policyRow: Indices;
  readonly unavailable: nn.Input;
  readonly habits: nn.Input;
}

function makeInputs(tape: nn.Tape, config: DraftRecConfig, matches: number, viewsPerMatch: number): Inputs {
  const { hidden, history, championIds, roleIds, stats } = config;
  const players = turns * matches;
  const rows = players * viewsPerMatch;
  return {
    pastChampion: tape.indices(championIds, players * history),
    pastRole: tape.indices(roleIds, players * history),
    pastOutcome: tape.indices(6, players * history),
    pastStats: tape.input(Math.max(1, stats), players * history),
    pastPosition: tape.input(hidden, history),
    keyMask: tape.input(history, history, 1, players),
    champion: tape.indices(championIds, rows),
    championShown: tape.input(1, rows),
    role: tape.indices(roleIds, rows),
    userShown: tape.input(1, turns, viewsPerMatch, matches),
    team: tape.indices(6, turns),
    turnPosition: tape.input(hidden, turns),
    teamWeights: tape.input(turns, 1),
    policyRow: tape.indices(rows, players),
    unavailable: tape.input(championIds, players),
    habits: tape.input(habitChannels, championIds * players),
  };
}

/** Writes a batch, and what does not change, into the inputs of a graph that is ready. */
export function fillInputs(inputs: Inputs, config: DraftRecConfig, batch: DraftBatch): void {
  const { history, hidden, quirks } = config;
  if (config.playerNetwork) {
    inputs.pastChampion.set(batch.pastChampion);
    inputs.pastRole.set(batch.pastRole);
    inputs.pastOutcome.set(batch.pastOutcome);
    if (config.stats > 0) inputs.pastStats.set(batch.pastStats);
    const positions = sinusoid(history, hidden);
    if (!quirks.attendPadding) reverseRows(positions, hidden);
    inputs.pastPosition.set(positions);
    if (!quirks.attendPadding) {
      const mask = inputs.keyMask.array;
      for (let player = 0; player < turns * batch.matches; player++) {
        const keys = batch.keyMask.subarray(player * history, (player + 1) * history);
        for (let row = 0; row < history; row++) mask.set(keys, (player * history + row) * history);
      }
    }
  }
  if (config.matchNetwork) {
    inputs.champion.set(batch.champion);
    inputs.championShown.set(batch.championShown);
    inputs.role.set(batch.role);
    if (config.playerNetwork) inputs.userShown.set(batch.userShown);
    inputs.team.set(teamOfTurn);
    inputs.turnPosition.set(sinusoid(turns, hidden));
    inputs.teamWeights.set(teamWeights(config));
    inputs.policyRow.set(batch.policyRow);
  }
  inputs.unavailable.set(batch.unavailable);
  if (config.habits) inputs.habits.set(batch.habits);
}

/** Mean of blue's rows minus mean of red's. */
export const teamWeights = ({ quirks }: DraftRecConfig): number[] =>
  teamOfTurn.map((team) => (team === 4 ? 1 : -1) / (quirks.halveTeams ? 10 : 5));

/** Vaswani et al. 2017: sines at even, cosines at odd places. [rows, size] row by row. */
export function sinusoid(rows: number, size: number): Float32Array<ArrayBuffer> {
  const table = new Float32Array(rows * size);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < size; i += 2) {
      const angle = row / 10000 ** (i / size);
      table[row * size + i] = Math.sin(angle);
      table[row * size + i + 1] = Math.cos(angle);
    }
  }
  return table;
}

/** So that row 0 is the newest match, however long the history. */
export function reverseRows(table: Float32Array, size: number): void {
  for (let a = 0, b = table.length / size - 1; a < b; a++, b--) {
    for (let i = 0; i < size; i++) {
      [table[a * size + i], table[b * size + i]] = [table[b * size + i], table[a * size + i]];
    }
  }
}
