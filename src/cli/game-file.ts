// Files of games: saved ones, and tables written by people as JSON or as lines.
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { DraftwrightError } from "../errors.ts";
import { replaceFile } from "../files.ts";
import { type Table, type Transcript, tableOfText } from "../games/index.ts";

export interface SavedGame extends Transcript {
  readonly game: "sushi-go-party";
  /** Agents in the seats 1.. ; you have seat 0. */
  readonly opponents: readonly string[];
}

/** What `replay` cannot say itself: a file that is no such game at all. */
const savedGame = z.object({
  game: z.literal("sushi-go-party"),
  opponents: z.array(z.string()),
  seed: z.number(),
  players: z.number(),
  menu: z.array(z.string()),
  rules: z.record(z.string(), z.unknown()).optional(),
  moves: z.array(z.tuple([z.int(), z.string()])),
});

export function saveGame(path: string, saved: SavedGame): void {
  replaceFile(path, `${JSON.stringify(saved)}\n`);
}

/** Before long work: throws bad-argument where its result could not be written. */
export function checkOutput(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error("it is a folder");
    let folder = dirname(resolve(path));
    while (!existsSync(folder)) folder = dirname(folder);
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder`);
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw refusal(`Cannot write ${path}: ${(cause as Error).message}. Name another file.`, cause);
  }
}

export const isSavedGame = (value: object): value is SavedGame => "game" in value;

/** Throws bad-argument for text that is neither. */
export function parseState(text: string): SavedGame | Table {
  if (!/^\s*[[{]/.test(text)) return tableOfText(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refusal(`The state is no JSON: ${(cause as Error).message}. ${seeDocs}`, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refusal(`The state is a list; it should be an object. ${seeDocs}`);
  }
  return isSavedGame(value) ? checkedGame(value) : (value as Table);
}

function checkedGame(value: object): SavedGame {
  const { success, error } = savedGame.safeParse(value);
  if (success) return value as SavedGame;
  const where = error.issues[0].path.join(".");
  throw refusal(`This is no saved game of Sushi Go Party!: "${where}" is wrong. Name a file that play saved.`);
}

const refusal = (message: string, cause?: unknown) => new DraftwrightError("bad-argument", message, { cause });
const seeDocs = 'docs/games.md shows one under "Tables for advice".';
