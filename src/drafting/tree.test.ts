import { describe, expect, test } from "vitest";
import {
  checkTree,
  cutTree,
  type DraftTree,
  exclusiveSiblings,
  judge,
  mergeTrees,
  nodeDepths,
  Role,
  TreeBuilder,
  withoutDraws,
} from "./tree.ts";

/** Nodes as [parent, token, confidence], all of source 1. */
function treeOf(...nodes: [number, number, number][]): DraftTree {
  return {
    token: Int32Array.from(nodes, ([, token]) => token),
    parent: Int32Array.from(nodes, ([parent]) => parent),
    source: new Uint8Array(nodes.length).fill(1),
    confidence: Float32Array.from(nodes, ([, , confidence]) => confidence),
  };
}

describe("TreeBuilder", () => {
  test("merges a token that a sibling holds, but not the same token elsewhere", () => {
    const builder = new TreeBuilder();
    expect(builder.add(-1, 7, 1, 0.25)).toBe(0);
    expect(builder.add(-1, 8, 1, 0.5)).toBe(1);
    expect(builder.add(-1, 7, 2, 0.75)).toBe(0);
    expect(builder.add(0, 7, 2, 0.5)).toBe(2);
    expect(builder.add(1, 7, 2, 0.5)).toBe(3);
    const tree = builder.build();
    expect(Array.from(tree.parent)).toEqual([-1, -1, 0, 1]);
    expect(Array.from(tree.source)).toEqual([1, 1, 2, 2]);
    expect(Array.from(tree.confidence)).toEqual([0.75, 0.5, 0.5, 0.5]);
    expect(tree.role).toBeUndefined();
    expect(tree.draws).toBeUndefined();
  });

  test("a node both observed and proposed is proposed", () => {
    const builder = new TreeBuilder();
    builder.add(-1, 1, 1, 0, Role.observed);
    builder.add(-1, 2, 1, 0, Role.observed);
    builder.add(-1, 1, 1, 0.5, Role.candidate);
    expect(Array.from(builder.build().role ?? [])).toEqual([Role.candidate, Role.observed]);
  });
});

describe("checkTree", () => {
  const check = (tree: DraftTree) => () => checkTree(tree, 10, "bad");

  test.each<[string, DraftTree, RegExp]>([
    ["a token past the vocabulary", treeOf([-1, 10, 0.5]), /node 0 holds token 10/],
    ["a negative token", treeOf([-1, -1, 0.5]), /token -1/],
    ["a child before its parent", treeOf([1, 1, 0.5], [-1, 2, 0.5]), /node 0 has parent 1/],
    ["a parent below the root", treeOf([-2, 1, 0.5]), /parent -2/],
    ["equal siblings", treeOf([-1, 1, 0.5], [-1, 2, 0.5], [-1, 1, 0.5]), /nodes 0 and 2 are equal siblings/],
    ["a confidence that is no chance", treeOf([-1, 1, Number.NaN]), /confidence NaN/],
    ["arrays of different length", { ...treeOf([-1, 1, 0.5]), source: new Uint8Array(2) }, /differ in length/],
  ])("refuses %s and names the drafter", (_, tree, message) => {
    expect(check(tree)).toThrow(message);
    expect(check(tree)).toThrow(/"bad"/);
  });

  test("accepts equal tokens under different parents", () => {
    expect(check(treeOf([-1, 1, 1], [0, 1, 0], [1, 1, 0.5], [0, 2, 0.5]))).not.toThrow();
  });
});

describe("cutTree", () => {
  //      0 (.9)      1 (.5)
  //     /    \          \
  //   2 (.5)  3 (.4)    4 (1)
  const tree = treeOf([-1, 10, 0.9], [-1, 11, 0.5], [0, 12, 0.5], [0, 13, 0.4], [1, 14, 1]);

  test("keeps the nodes with the highest path chance, parents with their children", () => {
    expect(Array.from(cutTree(tree, 3).token)).toEqual([10, 11, 14]);
    expect(Array.from(cutTree(tree, 3).parent)).toEqual([-1, -1, 1]);
    expect(Array.from(cutTree(tree, 4).token)).toEqual([10, 11, 12, 14]);
    expect(Array.from(cutTree(tree, 4).parent)).toEqual([-1, -1, 0, 1]);
    expect(cutTree(tree, 0).token).toHaveLength(0);
  });

  test("keeps nothing at the given depth or deeper", () => {
    expect(Array.from(cutTree(tree, 9, 1).token)).toEqual([10, 11]);
    expect(cutTree(tree, 9, 2)).toBe(tree);
  });

  test("of equal path chances the parent's comes first", () => {
    const sure = treeOf([-1, 1, 0.5], [-1, 2, 1], [1, 3, 1], [2, 4, 1]);
    expect(Array.from(cutTree(sure, 2).token)).toEqual([2, 3]);
    expect(Array.from(cutTree(sure, 2).parent)).toEqual([-1, 0]);
  });

  test("carries roles along", () => {
    const cut = cutTree({ ...tree, role: Uint8Array.of(0, 0, 1, 0, 1) }, 3);
    expect(Array.from(cut.role ?? [])).toEqual([0, 0, 1]);
  });
});

test("mergeTrees joins equal paths and keeps the rest", () => {
  const merged = mergeTrees([
    treeOf([-1, 1, 0.5], [0, 2, 0.5]),
    treeOf([-1, 3, 0.2], [-1, 1, 0.7], [1, 2, 0.1], [2, 4, 0.3]),
  ]);
  expect(Array.from(merged.token)).toEqual([1, 2, 3, 4]);
  expect(Array.from(merged.parent)).toEqual([-1, 0, -1, 1]);
  expect(merged.confidence[0]).toBeCloseTo(0.7);
  expect(Array.from(nodeDepths(merged.parent))).toEqual([0, 1, 0, 2]);
});

test("judge visits the children of every node on the emitted path, and nothing else", () => {
  const tree = treeOf([-1, 1, 0], [-1, 2, 0], [0, 3, 0], [1, 3, 0], [1, 4, 0], [3, 5, 0]);
  const seen: [number, number, boolean][] = [];
  judge(tree, [2, 3, 9], (...visit) => seen.push(visit));
  expect(seen).toEqual([
    [0, 0, false],
    [1, 0, true],
    [3, 1, true],
    [4, 1, false],
    [5, 2, false],
  ]);
});

test("siblings exclude each other: confidences that sum to more than 1 are scaled", () => {
  const fine = treeOf([-1, 1, 0.5], [-1, 2, 0.5], [0, 1, 1]);
  expect(exclusiveSiblings(fine)).toBe(fine);
  const scaled = exclusiveSiblings(treeOf([-1, 1, 0.75], [-1, 2, 0.75], [0, 1, 0.9], [1, 1, 1], [1, 2, 1]));
  [0.5, 0.5, 0.9, 0.5, 0.5].forEach((confidence, node) => {
    expect(scaled.confidence[node]).toBeCloseTo(confidence, 6);
  });
});

describe("recorded draws", () => {
  const q = Float32Array.of(0.5, 0.5);
  const draws = (tree: DraftTree) => tree.draws?.map(({ node, q }) => [node, q !== undefined]);
  const iid = (...tokens: number[]) => {
    const builder = new TreeBuilder();
    for (const token of tokens) builder.add(-1, token, 1, 0.5, Role.candidate, q);
    return builder.build();
  };

  test("a repeat is a draw of the node that is there", () => {
    const tree = iid(1, 1, 0, 1);
    expect(Array.from(tree.token)).toEqual([1, 0]);
    expect(draws(tree)?.map(([node]) => node)).toEqual([0, 0, 1, 0]);
  });

  test("point masses before and after are tagged as such, observed nodes are none", () => {
    const builder = new TreeBuilder();
    builder.add(-1, 0, 1, 0.5);
    builder.add(-1, 1, 1, 0.5, Role.observed);
    builder.add(0, 1, 1, 0.5, Role.candidate, q);
    builder.add(2, 0, 1, 0.5);
    const tree = builder.build();
    expect(draws(tree)).toEqual([
      [0, false],
      [2, true],
      [3, false],
    ]);
    expect(() => checkTree(tree, 2, "fine")).not.toThrow();
  });

  test("a merge keeps every draw, tree by tree", () => {
    const merged = mergeTrees([iid(1), treeOf([-1, 0, 0.5], [-1, 1, 0.5]), iid(0)]);
    expect(Array.from(merged.token)).toEqual([1, 0]);
    expect(draws(merged)).toEqual([
      [0, true],
      [1, false],
      [0, false],
      [1, true],
    ]);
  });

  test("a cut keeps what was drawn first, and no repeat after its last node", () => {
    expect(draws(cutTree(iid(1, 1, 0, 1), 1))).toEqual([[0, true]]);
    expect(draws(cutTree(iid(1, 1), 1))).toEqual([[0, true]]);
    expect(cutTree(iid(1, 1, 0, 1), 2).draws).toHaveLength(3);
    expect(cutTree(iid(1, 1), 2).draws).toHaveLength(2);
    expect(withoutDraws(iid(1, 1)).draws).toBeUndefined();
  });

  test.each<[string, DraftTree, RegExp]>([
    ["a node without a draw", { ...iid(0, 1), draws: [{ node: 0, q }] }, /node 1 has no draw/],
    [
      "nodes out of order",
      {
        ...iid(0, 1),
        draws: [
          { node: 1, q },
          { node: 0, q },
        ],
      },
      /node 1 is drawn before node 0/,
    ],
    ["a q of another vocabulary", { ...iid(0), draws: [{ node: 0, q: new Float32Array(3) }] }, /3 entries, not 2/],
    ["a token its q cannot give", { ...iid(0), draws: [{ node: 0, q: Float32Array.of(0, 1) }] }, /q 0/],
    ["a draw of an observed node", { ...iid(0), role: Uint8Array.of(Role.observed) }, /only observed/],
    ["a draw of no node", { ...iid(0), draws: [{ node: 7 }] }, /outside/],
  ])("refuses %s", (_, tree, message) => {
    expect(() => checkTree(tree, 2, "bad")).toThrow(message);
  });
});
