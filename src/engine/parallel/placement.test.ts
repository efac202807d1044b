import { expect, test } from "vitest";
import { placeModels } from "./placement.ts";

test("no core serves both", () => {
  const place = (threads: number | undefined, drafter: number | undefined, cores: number[]) => {
    const { target, drafter: beside } = placeModels({ threads }, { threads: drafter }, cores);
    return [target.cores, beside.cores];
  };
  expect(place(undefined, undefined, [0, 1])).toEqual([[0], [1]]);
  expect(place(undefined, 2, [4, 5, 6, 7])).toEqual([
    [4, 5],
    [6, 7],
  ]);
  expect(place(1, undefined, [0, 1, 2, 3])).toEqual([[0], [3]]);
  expect(() => place(undefined, undefined, [0])).toThrow(/this process may use 1/);
  expect(() => place(2, 1, [0, 1])).toThrow(/nobody shares/);
});
