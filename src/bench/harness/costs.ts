import { type CostCurve, type CurveGrid, MeasuredCurve } from "../../drafting/index.ts";
import type { ReplayCosts } from "./replay.ts";

/** `measured`: this machine's; `flat`: a wide forward costs what a narrow one does; or another machine's profile. */
export type CurveChoice = "measured" | "flat" | { readonly name: string; readonly grid: CurveGrid };

export interface AssumedCosts extends ReplayCosts {
  readonly name: string;
  readonly assumption: string;
}

/** `grid`: the curve of the machine that recorded. Throws "bad-argument" when a grid is not one. */
export function replayCosts(choice: CurveChoice, grid: CurveGrid): AssumedCosts {
  const here = fixed(grid);
  if (choice === "measured") {
    return {
      name: "measured",
      curve: here,
      draftScale: 1,
      assumption: "forwards cost what this machine's cost curve says, drafting what the drafters quoted",
    };
  }
  if (choice === "flat") {
    return {
      name: "flat",
      curve: { ms: (_, kv) => here.ms(1, kv), observe() {} },
      draftScale: 1,
      assumption:
        "a forward of any width costs what a plain one costs here (a GPU at batch 1, roughly), and drafting as much, " +
        "relative to it, as on this machine",
    };
  }
  const there = fixed(choice.grid);
  const kv = choice.grid.kv[0];
  return {
    name: choice.name,
    curve: there,
    draftScale: there.ms(1, kv) / here.ms(1, kv),
    assumption: `forwards cost what ${choice.name} says, and drafting as much, relative to a plain forward, as on this machine`,
  };
}

/** Learns nothing from a replay. */
function fixed(grid: CurveGrid): CostCurve {
  const curve = new MeasuredCurve(grid);
  return { ms: (width, kv) => curve.ms(width, kv), observe() {} };
}
