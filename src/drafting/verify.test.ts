import { describe, expect, test } from "vitest";
import { createHistory, createSampler, type Sampler, type TokenHistory } from "../lm/sampling/index.ts";
import { type Choose, choosing, composeRounds, totalVariation } from "./testing/enumerate.ts";
import { randomTable } from "./testing/tables.ts";
import { type DraftTree, Role, TreeBuilder } from "./tree.ts";
import { type NodeLogits, type Verdict, verifyMatch } from "./verify.ts";

// The exact joint law of three tokens over four, for every rule and drafter
// here, and for planted bugs, which must be caught. The rules run as they are; only the random choices are replayed.

const vocabSize = 4;
const target = randomTable(vocabSize, 11);
/** A drafter's own law: near the target's, not equal. */
const draftTable = (() => {
  const noise = randomTable(vocabSize, 12);
  return (prefix: readonly number[]) => {
    const other = noise(prefix);
    return target(prefix).map((p, i) => 0.5 * p + 0.5 * other[i]);
  };
})();

type Verify = typeof verifyMatch;
/** Drafts after `prefix`; sampled drafts use `choose`. */
type Drafting = (prefix: readonly number[], choose: Choose) => DraftTree;

/** Any token of the vocabulary, fixed by the prefix: what a table would propose. */
const fixedToken = (prefix: readonly number[]) =>
  (prefix.reduce((sum, t, i) => sum + (i + 1) * (t + 1), 0) * 7 + 3) % 4;

function chain(next: (prefix: readonly number[]) => number, nodes: number): (prefix: readonly number[]) => DraftTree {
  return (prefix) => {
    const builder = new TreeBuilder();
    const path = [...prefix];
    for (let i = 0; i < nodes; i++) {
      path.push(next(path));
      builder.add(i - 1, path[path.length - 1], 1, 0.5);
    }
    return builder.build();
  };
}

const drafters: [string, Drafting][] = [
  ["no draft", () => new TreeBuilder().build()],
  ["deterministic chain", chain(fixedToken, 2)],
  ["sampled chain", (prefix, choose) => chain((path) => choose(draftTable(path)), 2)(prefix)],
  [
    "sampled chain that drops a token of low confidence",
    (prefix, choose) => {
      const builder = new TreeBuilder();
      const path = [...prefix];
      for (let i = 0; i < 3; i++) {
        const q = draftTable(path);
        const token = choose(q);
        if (q[token] < 0.3) break;
        path.push(token);
        builder.add(i - 1, token, 1, 0.5);
      }
      return builder.build();
    },
  ],
  [
    "deterministic tree",
    (prefix) => {
      const builder = new TreeBuilder();
      for (const first of [fixedToken(prefix), (fixedToken(prefix) + 1) % vocabSize]) {
        const node = builder.add(-1, first, 1, 0.5);
        for (const shift of [1, 3]) {
          const child = builder.add(node, (fixedToken([...prefix, first]) + shift) % vocabSize, 1, 0.5);
          builder.add(child, 2, 1, 0.5);
        }
      }
      return builder.build();
    },
  ],
  [
    "sampled tree, merged siblings",
    (prefix, choose) => {
      const builder = new TreeBuilder();
      for (let branch = 0; branch < 2; branch++) {
        const node = builder.add(-1, choose(draftTable(prefix)), 1, 0.5);
        builder.add(node, choose(draftTable([...prefix, branch])), 1, 0.5);
      }
      return builder.build();
    },
  ],
  [
    "observed nodes",
    (prefix) => {
      const builder = new TreeBuilder();
      const node = builder.add(-1, fixedToken(prefix), 1, 0.5, Role.observed);
      builder.add(node, 1, 1, 0.5);
      return builder.build();
    },
  ],
];

function lawOf(temperature: number, verify: Verify, draft: Drafting): Map<string, number> {
  const params = { temperature };
  const plain = createSampler(params, vocabSize);
  return composeRounds(3, (tokens, choose) => {
    const sampler = choosing(plain, vocabSize, choose);
    const history = createHistory(params, vocabSize, tokens);
    const verdict: Verdict = { path: [], emitted: [] };
    const tree = draft(tokens, choose);
    const logits = (node: number) => {
      const path: number[] = [];
      for (let i = node; i >= 0; i = tree.parent[i]) path.unshift(tree.token[i]);
      return Float32Array.from(target([...tokens, ...path]), Math.log);
    };
    verify(tree, logits, sampler, history, () => 0, tokens.length, verdict);
    return verdict.emitted;
  });
}

describe.each([
  ["greedy", 0],
  ["match", 1],
])("%s", (_, temperature) => {
  const plain = lawOf(temperature, verifyMatch, drafters[0][1]);

  test("the plain law is a law, of the right size", () => {
    expect([...plain.values()].reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(plain.size).toBe(temperature === 0 ? 1 : 64);
  });

  test.each(drafters)("%s leaves the joint law unchanged", (_, draft) => {
    expect(totalVariation(lawOf(temperature, verifyMatch, draft), plain)).toBeLessThan(1e-12);
  });
});

describe("planted bugs are caught", () => {
  const plain = lawOf(1, verifyMatch, drafters[0][1]);
  const caught = (verify: Verify, draft: Drafting) => totalVariation(lawOf(1, verify, draft), plain);
  const childWith = (tree: DraftTree, parent: number, token: number) =>
    tree.token.findIndex((other, node) => other === token && tree.parent[node] === parent);

  /** `verifyMatch` with the walk replaced: `next` returns the token to emit and the node to go on from, -1 = none. */
  const buggy =
    (
      next: (
        tree: DraftTree,
        current: number,
        pick: () => number,
        logits: NodeLogits,
      ) => { token: number; node: number },
    ): Verify =>
    (tree, logits, sampler: Sampler, history: TokenHistory, _draws, _position, verdict) => {
      verdict.path.length = 0;
      verdict.emitted.length = 0;
      for (let current = -1; ; ) {
        const at = current;
        const { token, node } = next(tree, at, () => sampler.pick(logits(at), history, 0), logits);
        verdict.emitted.push(token);
        if (node < 0) return;
        verdict.path.push(node);
        current = node;
      }
    };

  test("the harness itself: the right rule, written this way, passes", () => {
    const right = buggy((tree, current, pick) => {
      const token = pick();
      return { token, node: childWith(tree, current, token) };
    });
    expect(caught(right, drafters[4][1])).toBeLessThan(1e-12);
  });

  test("a fresh draw from the full distribution after a rejection", () => {
    const bug = buggy((tree, current, pick) => {
      const token = pick();
      const node = childWith(tree, current, token);
      const hasChildren = tree.parent.includes(current);
      return { token: node < 0 && hasChildren ? pick() : token, node };
    });
    expect(caught(bug, drafters[1][1])).toBeGreaterThan(0.05);
  });

  test("a sibling matched with a second draw after a mismatch", () => {
    const bug = buggy((tree, current, pick) => {
      let token = 0;
      for (let node = current + 1; node < tree.token.length; node++) {
        if (tree.parent[node] !== current) continue;
        token = pick();
        if (tree.token[node] === token) return { token, node };
      }
      return { token: pick(), node: -1 };
    });
    expect(caught(bug, drafters[4][1])).toBeGreaterThan(0.05);
  });

  test("the bonus token drawn at the parent of the last accepted node", () => {
    const bug = buggy((tree, current, pick, logits) => {
      const leaf = current >= 0 && !tree.parent.includes(current);
      if (leaf) {
        const stale = logits(tree.parent[current]);
        return { token: stale.indexOf(Math.max(...stale)), node: -1 };
      }
      const token = pick();
      return { token, node: childWith(tree, current, token) };
    });
    expect(caught(bug, drafters[1][1])).toBeGreaterThan(0.05);
  });

  test("an observed node accepted without asking the target", () => {
    const bug = buggy((tree, current, pick) => {
      const observed =
        tree.role?.findIndex((role, node) => role === Role.observed && tree.parent[node] === current) ?? -1;
      if (observed >= 0) return { token: tree.token[observed], node: observed };
      const token = pick();
      return { token, node: childWith(tree, current, token) };
    });
    expect(caught(bug, drafters[6][1])).toBeGreaterThan(0.05);
  });
});

test("draws are keyed by absolute position, and the history follows the path", () => {
  const positions: number[] = [];
  const seen: number[] = [];
  const params = { temperature: 1 };
  const history = createHistory(params, vocabSize, [0, 1]);
  const sampler: Sampler = {
    ...createSampler(params, vocabSize),
    pick(_logits, { length }, u) {
      seen.push(length);
      return u;
    },
  };
  const builder = new TreeBuilder();
  builder.add(builder.add(-1, 2, 1, 1), 3, 1, 1);
  const verdict: Verdict = { path: [9], emitted: [9] };
  const draws = (position: number) => {
    positions.push(position);
    return position % vocabSize;
  };
  verifyMatch(builder.build(), () => new Float32Array(vocabSize), sampler, history, draws, 2, verdict);
  expect(verdict).toEqual({ path: [0, 1], emitted: [2, 3, 0] });
  expect(positions).toEqual([2, 3, 4]);
  expect(seen).toEqual([2, 3, 4]);
  expect(history.length).toBe(5);
});
