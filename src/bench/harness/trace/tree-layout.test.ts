import { expect, test } from "vitest";
import { layoutTree } from "./tree-layout.ts";

test("the accepted path and the target's own token lie on top, every node has a place of its own right of its parent", () => {
  // 0 and 3 are children of the root; 1 and 2 of 0; 4 of 3. Accepted: 3, then the target's own token.
  const parent = [-1, 0, 0, -1, 3];
  const { at, columns, rows } = layoutTree(parent, [3], true);
  expect([at(-1), at(3), at(5)]).toEqual([0, 1, 2].map((column) => ({ column, row: 0 })));
  expect(at(4)).toEqual({ column: 2, row: 1 });
  const places = [-1, 0, 1, 2, 3, 4, 5].map(at);
  expect(new Set(places.map(({ column, row }) => `${column} ${row}`)).size).toBe(7);
  parent.forEach((above, node) => {
    expect(at(node).column).toBe(at(above).column + 1);
  });
  expect([columns, rows]).toEqual([3, 4]);
});

test("nothing drafted: the root and the own token, or the root alone", () => {
  expect(layoutTree([], [], true)).toMatchObject({ columns: 2, rows: 1 });
  expect(layoutTree([], [], false)).toMatchObject({ columns: 1, rows: 1 });
});
