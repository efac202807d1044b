import { DraftwrightError } from "../../../errors.ts";
import type { SkipSet } from "../../../lm/model.ts";

/** A skip set as a string of 0 and 1: the attention sublayers of all layers, then the MLP sublayers. 1 = skipped. */
export type SkipBits = string;

/** A copy with rising layers, each once. Throws "bad-argument" for layers that a model of `layerCount` lacks. */
export function checkedSkipSet(skip: SkipSet, layerCount: number): SkipSet {
  const checked = (kind: string, layers: readonly number[]) => {
    for (const layer of layers) {
      if (Number.isInteger(layer) && layer >= 0 && layer < layerCount) continue;
      throw new DraftwrightError(
        "bad-argument",
        `The skip set leaves out the ${kind} of layer ${layer}, and the model has layers 0..${layerCount - 1}. ` +
          "Search a skip set for this model: draftwright layer-skip search.",
      );
    }
    return [...new Set(layers)].sort((a, b) => a - b);
  };
  return { attention: checked("attention", skip.attention), mlp: checked("MLP", skip.mlp) };
}

export function toBits({ attention, mlp }: SkipSet, layerCount: number): SkipBits {
  const bits = new Array<string>(2 * layerCount).fill("0");
  for (const layer of attention) bits[layer] = "1";
  for (const layer of mlp) bits[layerCount + layer] = "1";
  return bits.join("");
}

export function fromBits(bits: SkipBits): SkipSet {
  const layerCount = bits.length / 2;
  const layers = (first: number) =>
    Array.from({ length: layerCount }, (_, layer) => layer).filter((layer) => bits[first + layer] === "1");
  return { attention: layers(0), mlp: layers(layerCount) };
}
