import { DraftwrightError } from "../../errors.ts";
import { faceNames } from "./cards.ts";

const aliases: { readonly [name: string]: string } = {
  egg: "egg-nigiri",
  salmon: "salmon-nigiri",
  squid: "squid-nigiri",
  "miso-soup": "miso",
  "soy-sauce": "soy",
  "green-tea-ice-cream": "ice-cream",
  "takeout-box": "takeout",
  ...Object.fromEntries([1, 2, 3].map((n) => [`maki-${n}`, `${n}-maki`])),
  ...Object.fromEntries([3, 4, 5].map((n) => [`uramaki-${n}`, `${n}-uramaki`])),
  ...Object.fromEntries(["circle", "triangle", "square", "rectangle"].map((shape) => [shape, `${shape}-onigiri`])),
};

/** The face called `name`, in the spelling of `faceNames` or a common one; throws bad-argument. */
export function faceNamed(name: string): number {
  const slug = name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_]+/g, "-")
    .replace(/-rolls?$/, "");
  const index = faceNames.indexOf(aliases[slug] ?? slug);
  if (index >= 0) return index;
  throw new DraftwrightError("bad-argument", `There is no card "${name}". Cards: ${faceNames.join(", ")}.`);
}

/** Cards as people write them: `squid, 2x tempura, tea x2`; throws bad-argument for a count that is none. */
export function splitCards(text: string): string[] {
  return text.split(",").flatMap((part) => {
    const item = part.trim();
    if (item === "" || item === "-") return [];
    const [, before, name, after] = /^(?:(\d+)\s*x\s+)?(.*?)(?:\s+x\s*(\d+))?$/i.exec(item) ?? [];
    return Array<string>(Math.min(20, Number(before ?? after ?? 1))).fill(name);
  });
}

/** `2x tempura, tea`: a multiset for people, in the order of the faces. */
export function countText(counts: ArrayLike<number>): string {
  return Array.from(counts, (count, f) => (count > 1 ? `${count}x ${faceNames[f]}` : count === 1 ? faceNames[f] : ""))
    .filter((text) => text !== "")
    .join(", ");
}
