import {
  copiesOfFace,
  faceOfKind,
  facesOfTile,
  firstKindOfFace,
  nigiriTile,
  orderOfKind,
  type TileName,
  tile,
  tileCount,
} from "./cards.ts";
import { checkedMenu, type MenuSpec } from "./menus.ts";
import { checkedRules, type RuleOptions } from "./rules.ts";

/** What never changes during a game; shared by all its states. */
export interface Setup {
  readonly players: number;
  readonly menu: readonly TileName[];
  readonly rules: RuleOptions;
  readonly handSize: number;
  /** Faces and kinds on the menu, ascending. */
  readonly faces: Uint8Array;
  readonly kinds: Uint8Array;
  readonly dessertFaces: Uint8Array;
  /** Copies of each kind that are no desserts, and the 15 dessert cards. */
  readonly deckCounts: Uint8Array;
  readonly dessertKinds: Uint8Array;
  /** Desserts shuffled in before each round. */
  readonly dessertsOfRound: readonly number[];
  /** [tileCount + 1] 1 for tiles on the menu; nigiri last, always 1. */
  readonly onMenu: Uint8Array;
  /** Whether any card on the menu asks for more decisions than the pick. */
  readonly hasActions: boolean;
}

export interface SetupOptions {
  readonly players: number;
  readonly menu?: MenuSpec;
  readonly rules?: Partial<RuleOptions>;
}

export const rounds = 3;

/** Throws bad-argument for menus that are not legal and for unknown rule options. */
export function makeSetup({ players, menu: spec = "my-first-meal", rules: options }: SetupOptions): Setup {
  const menu = checkedMenu(spec, players);
  const rules = checkedRules(options);
  const onMenu = new Uint8Array(tileCount + 1);
  for (const name of menu) onMenu[tile(name)] = 1;
  onMenu[nigiriTile] = 1;
  const faces = Uint8Array.from([...onMenu].flatMap((on, t) => (on ? facesOfTile[t] : [])).sort((a, b) => a - b));
  const kinds = Uint8Array.from([...faceOfKind.keys()].filter((kind) => faces.includes(faceOfKind[kind])));
  const dessertTile = tile(menu[menu.length - 1]);
  const dessertFaces = Uint8Array.from(facesOfTile[dessertTile]);
  const deckCounts = new Uint8Array(faceOfKind.length);
  const dessertKinds: number[] = [];
  for (const kind of kinds) {
    const f = faceOfKind[kind];
    const copies = orderOfKind[kind] > 0 ? 1 : copiesOf(f, rules);
    if (dessertFaces.includes(f)) dessertKinds.push(...Array<number>(copies).fill(kind));
    else deckCounts[kind] = copies;
  }
  return {
    players,
    menu,
    rules,
    handSize: players === 8 ? 7 : 11 - Math.floor(players / 2),
    faces,
    kinds,
    dessertFaces,
    deckCounts,
    dessertKinds: Uint8Array.from(dessertKinds),
    dessertsOfRound: players <= 5 ? [5, 3, 2] : [7, 5, 3],
    onMenu,
    hasActions: ["chopsticks", "spoon", "menu", "takeout", "special-order"].some((name) =>
      menu.includes(name as never),
    ),
  };
}

function copiesOf(f: number, rules: RuleOptions): number {
  const uramaki = facesOfTile[tile("uramaki")].indexOf(f);
  return uramaki >= 0 ? rules.uramakiCopies[uramaki] : copiesOfFace[f];
}

export const kindOfFace = firstKindOfFace;
