// The cards of Sushi Go Party! (Gamewright, 2016). A *tile* is a kind on the menu, a *face* what players see (37), a *kind*
// a face together with its order number (45). Counts and colours are data; sources that disagree are in rules.ts.

export const tileNames = [
  ...["maki", "temaki", "uramaki"],
  ...["tempura", "sashimi", "dumpling", "eel", "tofu", "onigiri", "edamame", "miso"],
  ...["chopsticks", "spoon", "menu", "takeout", "soy", "tea", "special-order", "wasabi"],
  ...["pudding", "ice-cream", "fruit"],
] as const;
export type TileName = (typeof tileNames)[number];
export const tileCount = tileNames.length;
/** Nigiri is on every menu and therefore no tile of its own. */
export const nigiriTile: number = tileNames.length;

export const tile = (name: TileName): number => tileNames.indexOf(name);
export const [rolls, appetizers, specials, desserts] = [
  tileNames.slice(0, 3),
  tileNames.slice(3, 11),
  tileNames.slice(11, 19),
  tileNames.slice(19),
];

interface FaceData {
  readonly name: string;
  readonly tile: number;
  readonly copies: number;
}

const nigiri = (name: string, copies: number): FaceData => ({ name, tile: nigiriTile, copies });
const card = (name: TileName, copies: number, prefix = ""): FaceData => ({
  name: prefix ? `${prefix}-${name}` : name,
  tile: tile(name),
  copies,
});

const faces: readonly FaceData[] = [
  ...[nigiri("egg-nigiri", 4), nigiri("salmon-nigiri", 5), nigiri("squid-nigiri", 3)],
  ...[card("maki", 4, "1"), card("maki", 5, "2"), card("maki", 3, "3")],
  card("temaki", 12),
  ...[card("uramaki", 4, "3"), card("uramaki", 4, "4"), card("uramaki", 4, "5")],
  ...[card("tempura", 8), card("sashimi", 8), card("dumpling", 8), card("eel", 8), card("tofu", 8)],
  ...["circle", "triangle", "square", "rectangle"].map((shape) => card("onigiri", 2, shape)),
  ...[card("edamame", 8), card("miso", 8)],
  ...[card("chopsticks", 3), card("spoon", 3), card("menu", 3), card("takeout", 3)],
  ...[card("soy", 3), card("tea", 3), card("special-order", 3), card("wasabi", 3)],
  ...[card("pudding", 15), card("ice-cream", 15)],
  ...[2, 2, 2, 3, 3, 3].map((copies, i) =>
    card("fruit", copies, ["2-watermelon", "2-pineapple", "2-orange", "mixed-wp", "mixed-po", "mixed-wo"][i]),
  ),
];

export const faceCount = faces.length;
export const faceNames: readonly string[] = faces.map(({ name }) => name);
export const tileOfFace = Uint8Array.from(faces, (face) => face.tile);
export const copiesOfFace = Uint8Array.from(faces, (face) => face.copies);
export const face = (name: string): number => {
  const index = faceNames.indexOf(name);
  if (index < 0) throw new RangeError(`no face is called ${name}`);
  return index;
};

export const facesOfTile: readonly (readonly number[])[] = [...tileNames, "nigiri"].map((_, t) =>
  faces.flatMap((data, i) => (data.tile === t ? [i] : [])),
);

// Faces that rules name.
export const egg = face("egg-nigiri");
export const squid = face("squid-nigiri");
export const maki1 = face("1-maki");
export const temaki = face("temaki");
export const uramaki3 = face("3-uramaki");
export const tempura = face("tempura");
export const sashimi = face("sashimi");
export const dumpling = face("dumpling");
export const eel = face("eel");
export const tofu = face("tofu");
export const circle = face("circle-onigiri");
export const edamame = face("edamame");
export const miso = face("miso");
export const chopsticks = face("chopsticks");
export const spoon = face("spoon");
export const menu = face("menu");
export const takeout = face("takeout");
export const soy = face("soy");
export const tea = face("tea");
export const specialOrder = face("special-order");
export const wasabi = face("wasabi");
/** The first of the eight dessert faces: pudding, ice cream, six fruits. */
export const firstDessert = face("pudding");
export const pudding = face("pudding");
export const iceCream = face("ice-cream");
export const firstFruit = face("2-watermelon-fruit");
export const dessertFaces = faceCount - firstDessert;

/** Watermelons, pineapples and oranges on each fruit face. */
export const fruitIcons: readonly (readonly [number, number, number])[] = [
  [2, 0, 0],
  [0, 2, 0],
  [0, 0, 2],
  [1, 1, 0],
  [0, 1, 1],
  [1, 0, 1],
];

// Kinds: chopsticks 1-3, spoons 4-6, menus 7-9 and takeout boxes 10-12 differ by the number that orders them.
const numbered = (f: number) => f >= chopsticks && f <= takeout;
export const faceOfKind = Uint8Array.from(
  faces.flatMap((_, f) => (numbered(f) ? [f, f, f] : [f])),
  (f) => f,
);
export const kindCount = faceOfKind.length;
export const firstKindOfFace = Uint8Array.from(faces, (_, f) => faceOfKind.indexOf(f));
/** 1..12 for kinds with an order number, else 0. */
export const orderOfKind = Uint8Array.from(faceOfKind, (f, kind) =>
  numbered(f) ? 1 + kind - firstKindOfFace[chopsticks] : 0,
);
export const kindOfOrder = (order: number): number => firstKindOfFace[chopsticks] + order - 1;

/** Colours for soy sauce and tea: one a tile, but wasabi is as yellow as nigiri. */
export const colorOfFace = tileOfFace.map((t) => (t === tile("wasabi") ? nigiriTile : t));
export const colorCount = tileCount + 1;
