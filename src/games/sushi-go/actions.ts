// One discrete action space for every menu and phase (63): a face, a general tile, or one of four words.
import { DraftwrightError } from "../../errors.ts";
import { faceCount, faceNames, facesOfTile, nigiriTile, tile, tileCount, tileNames } from "./cards.ts";

/** Action `a` < faceCount names a face: to play, ask for, give, copy or flip. */
export const firstTileAction = faceCount;
export const noCall = faceCount + tileCount;
export const callChopsticks = noCall + 1;
export const callSpoon = noCall + 2;
export const stop = noCall + 3;
export const actionCount = noCall + 4;

/** In the copy phase the takeout tile stands for one of your face-down cards. */
export const copyFaceDown = firstTileAction + tile("takeout");

/** Tiles one can ask for without naming the face; for tiles with a single face the face action says it. */
export const askableTiles = tileNames.map((_, t) => t).filter((t) => t !== nigiriTile && facesOfTile[t].length > 1);

export const phase = { pick: 0, bonus: 1, ask: 2, give: 3, menu: 4, copy: 5, flip: 6, done: 7 } as const;
export const phaseCount = 7;
export const phaseNames = ["pick", "bonus", "spoon ask", "spoon give", "menu pick", "copy target", "flip", "done"];

export const actionNames: readonly string[] = [
  ...faceNames,
  ...tileNames.map((name) => `any-${name}`),
  ...["no-call", "call-chopsticks", "call-spoon", "stop"],
];

/** The action called `name` (see `actionNames`); throws bad-argument. */
export function actionNamed(name: string): number {
  const action = actionNames.indexOf(name);
  if (action < 0)
    throw new DraftwrightError("bad-argument", `There is no action "${name}". Names are like ${actionNames[0]}.`);
  return action;
}
