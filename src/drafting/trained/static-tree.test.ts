import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openGguf } from "../../ggml/gguf/index.ts";
import { tensorType } from "../../ggml/index.ts";
import { Random } from "../../nn/index.ts";
import { drafterConformance } from "../conformance.ts";
import { headDrafter, readHeadSettings, saveHead, type TargetParts, writeRankShares } from "./index.ts";
import { growStaticTree, type TreeShape } from "./static-tree.ts";
import { backend, randomHead, toyParts } from "./testing/toy-head.ts";

const folder = mkdtempSync(join(tmpdir(), "draftwright-static-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Expected accepted tokens of a tree, if levels are independent. */
function expected({ parent, level, rank }: Pick<TreeShape, "parent" | "level" | "rank">, shares: number[][]): number {
  const path: number[] = [];
  for (const [i, p] of parent.entries()) path.push((p < 0 ? 1 : path[p]) * shares[level[i]][rank[i]]);
  return path.reduce((a, b) => a + b, 0);
}

/** The best of all trees of so many nodes: every set of paths that holds the beginnings of its paths. */
function best(shares: number[][], nodes: number): number {
  const paths: number[][] = [[]];
  for (let at = 0; at < paths.length; at++) {
    const path = paths[at];
    if (path.length < shares.length) for (const rank of shares[path.length].keys()) paths.push([...path, rank]);
  }
  const worth = (path: readonly number[]) => path.reduce((product, rank, level) => product * shares[level][rank], 1);
  const all = paths
    .slice(1)
    .map((path) => ({ key: path.join(), before: path.slice(0, -1).join(), worth: worth(path) }));
  const search = (from: number, left: number, held: ReadonlySet<string>): number => {
    if (left === 0) return 0;
    let most = 0;
    for (let i = from; i < all.length; i++) {
      const { key, before, worth } = all[i];
      if (before === "" || held.has(before)) {
        most = Math.max(most, worth + search(i + 1, left - 1, new Set([...held, key])));
      }
    }
    return most;
  };
  return search(0, nodes, new Set());
}

describe("a static tree", () => {
  test.each([1, 2, 3, 4, 5])("of %i nodes is the best of all", (nodes) => {
    const random = new Random(nodes);
    for (let trial = 0; trial < 8; trial++) {
      const shares = Array.from({ length: 3 }, () => {
        let left = 1;
        return Array.from({ length: 2 }, () => {
          const share = left * random.uniform();
          left -= share;
          return share;
        });
      });
      const tree = growStaticTree(shares, { nodes, levels: 3, branches: 2 });
      expect(expected(tree, shares)).toBeCloseTo(best(shares, nodes), 12);
      expect(expected(tree, shares)).toBeGreaterThan(0);
    }
  });

  test("smaller ones are beginnings of larger ones; levels, ranks and choices without a share are left out", () => {
    const shares = [
      [0.5, 0.2, 0.1],
      [0.6, 0.3, 0],
      [0.9, 0.05, 0.05],
    ];
    const whole = growStaticTree(shares, { nodes: 100, levels: 3, branches: 3 });
    expect(whole.parent.length).toBe(3 + 3 * 2 + 3 * 2 * 3);
    const part = growStaticTree(shares, { nodes: 7, levels: 3, branches: 3 });
    expect([...part.parent]).toEqual([...whole.parent.subarray(0, 7)]);
    expect([...part.rank]).toEqual([...whole.rank.subarray(0, 7)]);
    expect(Math.max(...growStaticTree(shares, { nodes: 100, levels: 2, branches: 3 }).level)).toBe(1);
    expect(growStaticTree(shares, { nodes: 100, levels: 3, branches: 1 }).parent.length).toBe(3);
  });
});

const rankShares = [
  [0.2, 0.15, 0.12, 0.1, 0.09, 0.08, 0.07, 0.06],
  [0.2, 0.1, 0.1, 0.05],
  [0.1, 0.1, 0.1, 0.05],
];

for (const kind of ["medusa", "amphista"] as const) {
  const head = randomHead(kind, { rankShares });
  const targets = new Map<number, TargetParts>();
  drafterConformance(`${kind} with a static tree`, ({ vocabSize }) => {
    const target = targets.get(vocabSize) ?? toyParts(vocabSize);
    targets.set(vocabSize, target);
    // Tables have no hidden states.
    return headDrafter({ backend, head, target, tree: "static", features: vocabSize === 40 });
  });
}

describe("a head's file", () => {
  test("takes counts, and keeps all else", () => {
    const head = randomHead("amphista");
    const file = join(folder, "head.gguf");
    saveHead(file, head, "target", { type: tensorType("F16") });
    const tensors = () => {
      using gguf = openGguf(file);
      return [...gguf.tensors.values()].map((tensor) => {
        const bytes = new Uint8Array(tensor.bytes);
        gguf.readInto(tensor, bytes);
        return { name: tensor.name, type: tensor.type.name, shape: tensor.ne, bytes };
      });
    };
    const before = { tensors: tensors(), ...readHeadSettings(file) };
    writeRankShares(file, rankShares);
    const { settings, target } = readHeadSettings(file);
    expect(settings).toEqual({ ...before.settings, rankShares });
    expect(target).toBe("target");
    expect(tensors()).toEqual(before.tensors);
    const once = readFileSync(file);
    writeRankShares(file, rankShares);
    expect(readFileSync(file).equals(once)).toBe(true);
  });

  test("without counts gives no static tree, nor does a head that feeds itself", () => {
    using target = toyParts(30);
    const open = (kind: "medusa" | "eagle") => headDrafter({ backend, head: randomHead(kind), target, tree: "static" });
    expect(() => open("medusa")).toThrow(/drafter calibrate/);
    expect(() => open("eagle")).toThrow(/by confidence/);
  });
});
