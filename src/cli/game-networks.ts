// Trained networks as files: those that are shipped, one a menu and number of players, and the user's own.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DraftwrightError } from "../errors.ts";
import { checkedMenu, decodeCheckpoint, type MenuSpec, type NetworkCheckpoint, stockMenus } from "../games/index.ts";

const folder = fileURLToPath(new URL("../../models/sushi-go", import.meta.url));

/** Where `scripts` put a shipped network of a stock menu. */
const shippedPath = (slug: string, players: number) => `${folder}/${slug}.${players}p.sgn`;

/** The shipped network for a stock menu: for so many players, otherwise the one for four. Throws bad-argument. */
export function shippedNetwork(menu: MenuSpec, players: number): NetworkCheckpoint | undefined {
  const slug = slugOf(checkedMenu(menu, players));
  if (slug === undefined) return undefined;
  const path = [shippedPath(slug, players), shippedPath(slug, 4)].find((name) => existsSync(name));
  return path === undefined ? undefined : readNetwork(path);
}

const slugOf = (menu: readonly string[]) =>
  Object.keys(stockMenus).find((slug) => stockMenus[slug].every((name) => menu.includes(name)));

/** Throws bad-argument for a file that cannot be read, bad-model for one that is no network. */
export function readNetwork(path: string): NetworkCheckpoint {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot read ${path}: ${(cause as Error).message}.`, { cause });
  }
  try {
    return decodeCheckpoint(bytes);
  } catch (cause) {
    throw cause instanceof DraftwrightError
      ? new DraftwrightError(cause.code, `${path}: ${cause.message}`, { cause })
      : cause;
  }
}

export const isNetworkFile = (name: string): boolean => name.endsWith(".sgn");
