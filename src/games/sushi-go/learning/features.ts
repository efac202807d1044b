// What a network sees: the columns of the observation that can differ on its menus, as small integers (a row), and those
// integers as steps ("at least 1", "at least 2", ...), so that counts that matter by their remainder are easy to learn.
import { DraftwrightError } from "../../../errors.ts";
import type { SparseInput } from "../../networks/index.ts";
import { actionNames, askableTiles, firstTileAction, phase, phaseCount } from "../actions.ts";
import {
  copiesOfFace,
  dessertFaces,
  faceCount,
  facesOfTile,
  firstDessert,
  nigiriTile,
  type TileName,
  tile,
  tileCount,
} from "../cards.ts";
import { checkedMenu } from "../menus.ts";
import { observationSize } from "../observe.ts";
import { rounds } from "../setup.ts";

export interface FeatureOptions {
  /** Seats of the tables it is trained at; at other tables it sees the nearest seats. */
  readonly players: number;
  /** One or several menus; with several it also sees what is on the menu. */
  readonly menus: readonly (readonly TileName[])[];
  readonly knownHands: boolean;
}

type Block =
  | { readonly kind: "hand" | "menu" | "phase" | "round" | "turns" | "uramaki"; readonly index: number }
  | {
      readonly kind: "tray" | "known" | "flag" | "fridge" | "free" | "margin";
      readonly seat: number;
      readonly index: number;
    };

interface Column {
  readonly block: Block;
  /** Steps it is shown in; 0 for a plain number divided by `unit`. */
  readonly steps: number;
  readonly unit: number;
}

export interface Features {
  readonly options: FeatureOptions;
  /** Integers in a row. */
  readonly width: number;
  /** Inputs of the network. */
  readonly inputs: number;
  /** The actions that its outputs stand for, and the output of each action (255 for none). */
  readonly actions: Uint8Array;
  readonly outputOf: Uint8Array;
  /** Reads a row from an observation of a table of n players; margins in points, the rest as it stands. */
  read(observation: Float32Array, n: number, row: Int8Array, at: number): void;
  /** Adds a row's steps to `input`. */
  expand(rows: Int8Array, at: number, input: SparseInput): void;
}

/** Throws bad-argument for menus that do not fit the number of players. */
export function makeFeatures(options: FeatureOptions): Features {
  const { players } = options;
  const menus = options.menus.map((menu) => checkedMenu(menu, players));
  if (menus.length === 0) throw new DraftwrightError("bad-argument", "A network needs one menu at least.");
  const columns = listColumns({ ...options, menus });
  const width = columns.length;
  const first = new Int32Array(width + 1);
  columns.forEach(({ steps }, c) => {
    first[c + 1] = first[c] + Math.max(1, steps);
  });
  const steps = Uint8Array.from(columns, (column) => column.steps);
  const perUnit = Float32Array.from(columns, (column) => 1 / column.unit);
  const actions = Uint8Array.from(listOutputs(menus));
  const outputOf = new Uint8Array(actionNames.length).fill(255);
  actions.forEach((action, k) => {
    outputOf[action] = k;
  });
  const tables = new Map<number, { places: Int32Array; scales: Uint8Array }>();
  const tableOf = (n: number) => {
    let table = tables.get(n);
    if (!table) {
      table = {
        places: Int32Array.from(columns, ({ block }) => placeOf(block, players, n)),
        scales: Uint8Array.from(columns, ({ block }) => (block.kind === "margin" ? 10 : 1)),
      };
      tables.set(n, table);
    }
    return table;
  };
  return {
    options: { ...options, menus },
    width,
    inputs: first[width],
    actions,
    outputOf,
    read(observation, n, row, at) {
      const { places, scales } = tableOf(n);
      for (let c = 0; c < width; c++) {
        const place = places[c];
        row[at + c] = place < 0 ? 0 : Math.max(-127, Math.min(127, Math.round(observation[place] * scales[c])));
      }
    },
    expand(rows, at, input) {
      for (let c = 0; c < width; c++) {
        const value = rows[at + c];
        if (value === 0) continue;
        if (steps[c] === 0) input.add(first[c], value * perUnit[c]);
        else for (let i = Math.min(value, steps[c]) - 1; i >= 0; i--) input.add(first[c] + i, 1);
      }
    },
  };
}

const handSteps = 4;
const traySteps = 6;

function listColumns({ players, menus, knownHands }: FeatureOptions): Column[] {
  const on = new Set(menus.flat());
  const has = (name: TileName) => on.has(name);
  const faces = Array.from({ length: faceCount }, (_, f) => f).filter((f) =>
    [...on, undefined].some((name) => facesOfTile[name === undefined ? nigiriTile : tile(name)].includes(f)),
  );
  const seats = Array.from({ length: players }, (_, seat) => seat);
  const counts = (block: (f: number) => Block, steps: number): Column[] =>
    faces.map((f) => ({ block: block(f), steps: Math.min(steps, copiesOfFace[f]), unit: 1 }));
  const columns: Column[] = counts((index) => ({ kind: "hand", index }), handSteps);
  for (const seat of seats) columns.push(...counts((index) => ({ kind: "tray", seat, index }), traySteps));
  for (const seat of knownHands ? seats.slice(1) : []) {
    columns.push(...counts((index) => ({ kind: "known", seat, index }), handSteps));
    columns.push({ block: { kind: "flag", seat, index: 0 }, steps: 1, unit: 1 });
  }
  for (const seat of seats) {
    for (const f of faces) {
      if (f >= firstDessert)
        columns.push({ block: { kind: "fridge", seat, index: f - firstDessert }, steps: 8, unit: 1 });
    }
    // Free wasabi, then chopsticks and spoons that can be called.
    for (const [index, name] of (["wasabi", "chopsticks", "spoon"] as const).entries()) {
      if (has(name)) columns.push({ block: { kind: "free", seat, index }, steps: 2, unit: 1 });
    }
  }
  if (has("uramaki")) columns.push({ block: { kind: "uramaki", index: 0 }, steps: 3, unit: 1 });
  for (let t = 0; menus.length > 1 && t < tileCount; t++) {
    columns.push({ block: { kind: "menu", index: t }, steps: 1, unit: 1 });
  }
  const phases = phasesOf(has);
  for (const index of phases)
    if (phases.length > 1) columns.push({ block: { kind: "phase", index }, steps: 1, unit: 1 });
  for (let index = 0; index < rounds; index++) columns.push({ block: { kind: "round", index }, steps: 1, unit: 1 });
  columns.push({ block: { kind: "turns", index: 0 }, steps: 10, unit: 1 });
  for (const seat of seats) columns.push({ block: { kind: "margin", seat, index: 0 }, steps: 0, unit: 10 });
  return columns;
}

function phasesOf(has: (name: TileName) => boolean): number[] {
  return Array.from({ length: phaseCount }, (_, i) => i).filter((i) => {
    if (i === phase.pick) return true;
    if (i === phase.bonus) return has("chopsticks") || has("spoon");
    if (i === phase.ask || i === phase.give) return has("spoon");
    return has(i === phase.menu ? "menu" : i === phase.copy ? "special-order" : "takeout");
  });
}

/** The actions that are possible on some of the menus. */
function listOutputs(menus: readonly (readonly TileName[])[]): number[] {
  const on = new Set(menus.flat());
  const outputs: number[] = [];
  for (let f = 0; f < faceCount; f++) {
    if ([...on].some((name) => facesOfTile[tile(name)].includes(f)) || facesOfTile[nigiriTile].includes(f))
      outputs.push(f);
  }
  const named = (name: string) => outputs.push(actionNames.indexOf(name));
  if (on.has("spoon")) {
    for (const t of askableTiles)
      if (facesOfTile[t].some((f) => outputs.includes(f))) outputs.push(firstTileAction + t);
  }
  if (on.has("special-order") && on.has("takeout") && !outputs.includes(actionNames.indexOf("any-takeout")))
    named("any-takeout");
  if (on.has("chopsticks") || on.has("spoon")) named("no-call");
  if (on.has("chopsticks")) named("call-chopsticks");
  if (on.has("spoon")) named("call-spoon");
  if (on.has("takeout")) named("stop");
  return outputs;
}

/** Where a column stands in an observation of n players; -1 for a seat that is not there. */
function placeOf(block: Block, players: number, n: number): number {
  const trays = faceCount;
  const known = trays + n * faceCount;
  const fridges = known + (n - 1) * (faceCount + 1);
  const free = fridges + n * dessertFaces;
  const menu = free + 3 * n + 1;
  const round = menu + tileCount + phaseCount;
  const margins = round + rounds + 1;
  if (margins + n !== observationSize(n)) throw new DraftwrightError("internal", "The observation's layout changed.");
  if ("seat" in block) {
    const seat = seatAt(block.seat, players, n);
    if (seat < 0) return -1;
    switch (block.kind) {
      case "tray":
        return trays + seat * faceCount + block.index;
      case "known":
        return known + (seat - 1) * (faceCount + 1) + block.index;
      case "flag":
        return known + (seat - 1) * (faceCount + 1) + faceCount;
      case "fridge":
        return fridges + seat * dessertFaces + block.index;
      case "free":
        return free + seat * 3 + block.index;
      default:
        return margins + seat;
    }
  }
  switch (block.kind) {
    case "hand":
      return block.index;
    case "uramaki":
      return free + 3 * n;
    case "menu":
      return menu + block.index;
    case "phase":
      return menu + tileCount + block.index;
    case "round":
      return round + block.index;
    default:
      return round + rounds;
  }
}

/** The last seat is always the right neighbour, whose hand comes next; the others count from the left. */
function seatAt(seat: number, players: number, n: number): number {
  if (seat === players - 1) return n - 1;
  return seat < n - 1 ? seat : -1;
}
