// The suite every LanguageModel passes: the toy in milliseconds, the ggml models with their tolerance. A new model is one
// call of `modelConformance` in its own test file.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DraftwrightError, type ErrorCode } from "../errors.ts";
import { chainBatch, type ForwardBatch, type LanguageModel, type Sequence, type SkipSet } from "./model.ts";
import { seededRandom } from "./toy/random.ts";

export interface ModelConformanceOptions {
  /** Largest allowed difference of two logits (or hidden values) that should be equal; 0 asks for equal bits. */
  readonly tolerance: number;
  /** The same model with the output projections of these sublayers set to zero: the oracle for skip sets. */
  readonly makeZeroed?: (zeroed: SkipSet) => LanguageModel | Promise<LanguageModel>;
}

/** One row of a batch: `parent` is a pending index of its sequence. */
interface Row {
  readonly token: number;
  readonly parent: number;
}

//        0
//      / | \          A root with three children, one of them with two children, and a grandchild:
//     1  2  5         rows in the order a drafter that grows level by level would *not* use, so that order is tested.
//    / \    |
//   3   4   6
//   |
//   7
const treeParents = [-1, 0, 0, 1, 1, 0, 5, 3];

/**
 * Runs the suite. `makeModel` is called once; the model needs a vocabulary of at least 16 tokens, a context of at least
 * 64, and room for four sequences of 48 rows.
 */
export function modelConformance(
  name: string,
  makeModel: () => LanguageModel | Promise<LanguageModel>,
  options: ModelConformanceOptions,
): void {
  describe(`${name} is a language model`, () => {
    let model: LanguageModel;
    const opened: Sequence[] = [];
    const random = seededRandom(20240517);
    const rows = 48;

    beforeAll(async () => {
      model = await makeModel();
    });
    afterAll(() => model?.[Symbol.dispose]());

    const tokens = (count: number) => Array.from({ length: count }, () => Math.floor(random() * model.vocabSize));
    const open = () => {
      const sequence = model.open({ rows });
      opened.push(sequence);
      return sequence;
    };
    /** An empty sequence that already holds `context`. */
    const prefilled = (context: readonly number[]) => {
      const sequence = open();
      if (context.length > 0) {
        model.forward(chainBatch(sequence, context, "none"));
        sequence.compact(context.map((_, i) => i));
      }
      return sequence;
    };
    /** Logits of the last of `all` tokens, from an empty cache and in one chain. */
    const reference = (all: readonly number[]): Float32Array => {
      const sequence = open();
      const result = model.forward(chainBatch(sequence, all, "last"));
      const logits = result.logits(all.length - 1).slice();
      sequence.close();
      return logits;
    };
    const closeAll = () => {
      for (const sequence of opened.splice(0)) sequence.close();
    };
    const check = (body: () => void) => () => {
      try {
        body();
      } finally {
        closeAll();
      }
    };

    const expectEqual = (got: ArrayLike<number>, want: ArrayLike<number>, what: string) => {
      expect(got.length, what).toBe(want.length);
      let worst = 0;
      for (let i = 0; i < want.length; i++) {
        // NaN must not pass: a comparison with NaN is false, so the difference is tested the other way round.
        const difference = Math.abs(got[i] - want[i]);
        if (!(difference <= worst)) worst = difference;
      }
      expect(worst, what).toBeLessThanOrEqual(options.tolerance);
    };

    test(
      "logits depend on every token of the context",
      check(() => {
        const context = tokens(6);
        const changed = [...context];
        changed[0] = (changed[0] + 1) % model.vocabSize;
        const swapped = [context[1], context[0], ...context.slice(2)];
        const base = reference(context);
        expect(base).toHaveLength(model.vocabSize);
        expect(distance(base, reference(changed))).toBeGreaterThan(options.tolerance);
        if (context[0] !== context[1]) {
          expect(distance(base, reference(swapped))).toBeGreaterThan(options.tolerance);
        }
      }),
    );

    test(
      "a chain in one forward equals one row at a time, and any chunking",
      check(() => {
        const chain = tokens(17);
        const whole = model.forward(chainBatch(open(), chain, "all"));
        const want = chain.map((_, i) => whole.logits(i).slice());
        for (const chunk of [1, 4, 7]) {
          const sequence = open();
          for (let start = 0; start < chain.length; start += chunk) {
            const part = chain.slice(start, start + chunk);
            const result = model.forward(chainBatch(sequence, part, "all"));
            part.forEach((_, i) => {
              expectEqual(result.logits(i), want[start + i], `chunk ${chunk}, row ${start + i}`);
            });
            sequence.compact(part.map((_, i) => i));
            expect(sequence.length).toBe(start + part.length);
          }
        }
      }),
    );

    test(
      "every branch of a tree equals a separate chain",
      check(() => {
        const context = tokens(5);
        const tree = treeRows(tokens(treeParents.length));
        const result = model.forward(treeBatch(prefilled(context), tree));
        const got = tree.map((_, i) => result.logits(i).slice());
        tree.forEach((_, i) => {
          expectEqual(got[i], reference([...context, ...pathTokens(tree, i)]), `node ${i}`);
        });
      }),
    );

    test(
      "several roots follow the same committed context",
      check(() => {
        const context = tokens(3);
        const forest = tokens(4).map((token) => ({ token, parent: -1 }));
        const result = model.forward(treeBatch(prefilled(context), forest));
        const got = forest.map((_, i) => result.logits(i).slice());
        forest.forEach((row, i) => {
          expectEqual(got[i], reference([...context, row.token]), `root ${i}`);
        });
      }),
    );

    test(
      "a tree grown level by level equals the tree in one forward",
      check(() => {
        const context = tokens(4);
        const tree = treeRows(tokens(treeParents.length));
        const sequence = prefilled(context);
        // New pending indices by level; the tree's own numbering is not level order.
        const index = new Map<number, number>();
        for (let depth = 0; index.size < tree.length; depth++) {
          const level = tree.map((_, i) => i).filter((i) => pathTokens(tree, i).length === depth + 1);
          const part = level.map((i) => ({
            token: tree[i].token,
            parent: depth === 0 ? -1 : (index.get(tree[i].parent) as number),
          }));
          const result = model.forward(treeBatch(sequence, part, () => depth));
          level.forEach((i, row) => {
            index.set(i, sequence.pending - level.length + row);
          });
          const got = level.map((_, row) => result.logits(row).slice());
          level.forEach((i, row) => {
            expectEqual(got[row], reference([...context, ...pathTokens(tree, i)]), `node ${i}`);
          });
        }
        expect(sequence.pending).toBe(tree.length);
      }),
    );

    test(
      "compacting any path leaves the cache of a fresh prefill",
      check(() => {
        const context = tokens(4);
        const next = tokens(2);
        const tree = treeRows(tokens(treeParents.length));
        const paths = [[], ...tree.map((_, i) => pathIndices(tree, i))];
        for (const path of paths) {
          const sequence = prefilled(context);
          model.forward(treeBatch(sequence, tree));
          sequence.compact(path);
          expect(sequence.length).toBe(context.length + path.length);
          expect(sequence.pending).toBe(0);
          const result = model.forward(chainBatch(sequence, next, "last"));
          const got = result.logits(1).slice();
          const committed = [...context, ...path.map((i) => tree[i].token)];
          expectEqual(got, reference([...committed, ...next]), `path ${path}`);
          sequence.close();
        }
      }),
    );

    test(
      "truncate drops pending rows and the tail of the committed ones",
      check(() => {
        const context = tokens(9);
        const next = tokens(3);
        for (const length of [9, 8, 3, 0]) {
          const sequence = prefilled(context);
          model.forward(chainBatch(sequence, next, "none"));
          sequence.truncate(length);
          expect([sequence.length, sequence.pending]).toEqual([length, 0]);
          const got = model
            .forward(chainBatch(sequence, next, "last"))
            .logits(2)
            .slice();
          expectEqual(got, reference([...context.slice(0, length), ...next]), `truncated to ${length}`);
          sequence.close();
        }
      }),
    );

    test(
      "a fork shares nothing with its parent",
      check(() => {
        const context = tokens(6);
        const [left, right] = [tokens(3), tokens(3)];
        const parent = prefilled(context);
        const child = parent.fork();
        opened.push(child);
        expect(child.id).not.toBe(parent.id);
        expect([child.length, child.pending]).toEqual([context.length, 0]);
        for (const [sequence, tail] of [
          [parent, left],
          [child, right],
        ] as const) {
          model.forward(chainBatch(sequence, tail.slice(0, 2), "none"));
          sequence.compact([0, 1]);
        }
        const ofParent = model
          .forward(chainBatch(parent, left.slice(2), "last"))
          .logits(0)
          .slice();
        parent.close();
        const ofChild = model
          .forward(chainBatch(child, right.slice(2), "last"))
          .logits(0)
          .slice();
        expectEqual(ofParent, reference([...context, ...left]), "parent");
        expectEqual(ofChild, reference([...context, ...right]), "child");
      }),
    );

    test(
      "a copied prefix goes on as the original would",
      check(() => {
        const context = tokens(6);
        const next = tokens(2);
        const donor = prefilled(context);
        donor.shrink();
        expect([donor.length, donor.capacity]).toEqual([6, 6]);
        expect(() => model.forward(chainBatch(donor, next, "last"))).toThrow();
        const heir = model.open();
        opened.push(heir);
        heir.copyPrefix(donor, 4);
        expect([heir.length, heir.pending]).toEqual([4, 0]);
        expect(() => heir.copyPrefix(donor, 4)).toThrow();
        donor.close();
        const got = model
          .forward(chainBatch(heir, next, "last"))
          .logits(1)
          .slice();
        expectEqual(got, reference([...context.slice(0, 4), ...next]), "after a copied prefix");
      }),
    );

    test(
      "several sequences in one forward equal each alone",
      check(() => {
        const contexts = [tokens(7), tokens(1), []];
        const tails = [tokens(4), tokens(2), tokens(5)];
        const sequences = contexts.map(prefilled);
        const parts = sequences.map((sequence, i) => chainBatch(sequence, tails[i], "all"));
        const { batch, origin } = interleave(parts);
        const result = model.forward(batch);
        const got = origin.map((_, row) => result.logits(row).slice());
        origin.forEach(([i, t], row) => {
          expectEqual(got[row], reference([...contexts[i], ...tails[i].slice(0, t + 1)]), `sequence ${i}, row ${t}`);
        });
        sequences.forEach((sequence, i) => {
          expect(sequence.pending).toBe(tails[i].length);
        });
      }),
    );

    test(
      "only wanted logits may be read",
      check(() => {
        const result = model.forward(chainBatch(open(), tokens(3), "last"));
        expect(result.width).toBe(3);
        expect(result.computeMilliseconds).toBeGreaterThanOrEqual(0);
        expect(() => result.logits(0)).toThrow();
        // The caller may overwrite a view; the next forward is not affected.
        result.logits(2).fill(Number.NaN);
        const chain = tokens(2);
        const sequence = open();
        const got = model.forward(chainBatch(sequence, chain, "last")).logits(1);
        expect(got.every(Number.isFinite)).toBe(true);
      }),
    );

    test(
      "hidden states of wanted rows and layers",
      check(() => {
        if (model.layerCount === 0) return;
        const layers = Array.from({ length: model.layerCount + 1 }, (_, i) => i);
        const chain = tokens(5);
        const whole = hiddenOf(model, chainBatch(open(), chain, "none"), layers, [0, 2, 4]);
        expect(() => whole.result.hidden(1, 0)).toThrow();
        const sequence = open();
        chain.forEach((token, i) => {
          const one = hiddenOf(model, chainBatch(sequence, [token], "none"), layers, [0]);
          sequence.compact([0]);
          for (const layer of layers) {
            const want = whole.values.get(`${i}/${layer}`);
            if (want) expectEqual(one.values.get(`0/${layer}`) as Float32Array, want, `row ${i}, layer ${layer}`);
            expect(one.values.get(`0/${layer}`)).toHaveLength(model.hiddenSize);
          }
        });
        const [first, last] = [whole.values.get("0/0"), whole.values.get(`0/${model.layerCount}`)];
        expect(distance(first as Float32Array, last as Float32Array)).toBeGreaterThan(options.tolerance);
      }),
    );

    test(
      "with every sublayer skipped the residual stream passes unchanged",
      check(() => {
        if (model.layerCount === 0) return;
        const all = Array.from({ length: model.layerCount }, (_, i) => i);
        const batch = { ...chainBatch(open(), tokens(3), "none"), skip: { attention: all, mlp: all } };
        const { values } = hiddenOf(model, batch, [0, model.layerCount], [2]);
        expectEqual(values.get(`2/${model.layerCount}`) as Float32Array, values.get("2/0") as Float32Array, "hidden");
      }),
    );

    test.skipIf(!options.makeZeroed)("a skipped sublayer equals one whose output is zero", async () => {
      const context = tokens(4);
      const chain = tokens(5);
      const last = model.layerCount - 1;
      const sets: SkipSet[] = [
        { attention: [0], mlp: [] },
        { attention: [], mlp: [last] },
        { attention: [last], mlp: [0, last] },
      ];
      try {
        const full = reference([...context, ...chain]);
        for (const skip of sets) {
          const zeroed = await (options.makeZeroed as (zeroed: SkipSet) => LanguageModel | Promise<LanguageModel>)(
            skip,
          );
          try {
            const sequence = zeroed.open({ rows });
            const want = zeroed
              .forward(chainBatch(sequence, [...context, ...chain], "last"))
              .logits(8)
              .slice();
            sequence.close();
            expect(distance(want, full)).toBeGreaterThan(options.tolerance);
            // A draft starts from the verified cache of the full model only if that cache is the same in the layers it
            // reads; here everything is skipped from the first token on.
            const skipping = open();
            const got = model.forward({ ...chainBatch(skipping, [...context, ...chain], "last"), skip });
            expectEqual(got.logits(8), want, JSON.stringify(skip));
          } finally {
            zeroed[Symbol.dispose]();
          }
        }
      } finally {
        closeAll();
      }
    });

    test(
      "an empty skip set changes nothing, and skipping rows leave no trace in later forwards",
      check(() => {
        const context = tokens(4);
        const chain = tokens(3);
        const sequence = prefilled(context);
        const empty = model.forward({ ...chainBatch(sequence, chain, "last"), skip: { attention: [], mlp: [] } });
        expectEqual(empty.logits(2).slice(), reference([...context, ...chain]), "empty skip set");
        if (model.layerCount === 0) return;
        sequence.compact([]);
        // A draft with skipped layers starts from the verified cache: in one forward or row by row, the same logits.
        const skip: SkipSet = { attention: [0], mlp: [model.layerCount - 1] };
        const whole = model
          .forward({ ...chainBatch(sequence, chain, "last"), skip })
          .logits(2)
          .slice();
        sequence.compact([]);
        chain.forEach((token, i) => {
          const one = model.forward({ ...chainBatch(sequence, [token], "last"), skip });
          if (i === 2) expectEqual(one.logits(0), whole, "skipping rows one by one");
        });
        sequence.compact([]);
        const got = model
          .forward(chainBatch(sequence, chain, "last"))
          .logits(2)
          .slice();
        expectEqual(got, reference([...context, ...chain]), "after a draft with skipped layers");
      }),
    );

    describe("bad input is refused before anything is computed", () => {
      const chain = [1, 2, 3];
      const expectCode = (body: () => unknown, code: ErrorCode) => {
        let thrown: unknown;
        try {
          body();
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toBeInstanceOf(DraftwrightError);
        expect((thrown as DraftwrightError).code).toBe(code);
      };
      /** The refused batch must leave the sequence as it was: the same chain afterwards gives the reference. */
      const refused = (code: ErrorCode, spoil: (batch: ForwardBatch, sequence: Sequence) => ForwardBatch) =>
        check(() => {
          const context = tokens(2);
          const sequence = prefilled(context);
          expectCode(() => model.forward(spoil(chainBatch(sequence, chain, "last"), sequence)), code);
          expect([sequence.length, sequence.pending]).toEqual([2, 0]);
          const got = model
            .forward(chainBatch(sequence, chain, "last"))
            .logits(2)
            .slice();
          expectEqual(got, reference([...context, ...chain]), "after the refusal");
        });
      const changed = (column: Int32Array, row: number, value: number) => {
        const copy = column.slice();
        copy[row] = value;
        return copy;
      };

      test(
        "a token past the vocabulary",
        refused("bad-argument", (batch) => ({ ...batch, token: changed(batch.token, 1, model.vocabSize) })),
      );
      test(
        "a negative token",
        refused("bad-argument", (batch) => ({ ...batch, token: changed(batch.token, 2, -1) })),
      );
      test(
        "a row that is its own parent",
        refused("bad-argument", (batch) => ({ ...batch, parent: changed(batch.parent, 1, 1) })),
      );
      test(
        "a parent below -1",
        refused("bad-argument", (batch) => ({ ...batch, parent: changed(batch.parent, 0, -2) })),
      );
      test(
        "columns of different length",
        refused("bad-shape", (batch) => ({ ...batch, position: batch.position.slice(1) })),
      );
      test(
        "an unknown sequence",
        refused("disposed", (batch) => ({ ...batch, sequence: changed(batch.sequence, 0, 1 << 30) })),
      );
      test(
        "more rows than the sequence holds",
        refused("context-overflow", (_, sequence) => chainBatch(sequence, new Array(rows).fill(1), "none")),
      );
      test(
        "an empty batch",
        refused("bad-argument", (_, sequence) => chainBatch(sequence, [], "none")),
      );
      test(
        "a layer that does not exist",
        refused("bad-argument", (batch) => ({ ...batch, skip: { attention: [model.layerCount], mlp: [] } })),
      );

      test(
        "a closed sequence",
        check(() => {
          const sequence = open();
          const batch = chainBatch(sequence, chain, "last");
          sequence.close();
          sequence.close();
          expectCode(() => model.forward(batch), "disposed");
          expectCode(() => sequence.compact([]), "disposed");
          expectCode(() => sequence.truncate(0), "disposed");
          expectCode(() => sequence.fork(), "disposed");
          expect(reference(chain)).toHaveLength(model.vocabSize);
        }),
      );

      test(
        "a path that is no path, or a length that is no length",
        check(() => {
          const context = tokens(3);
          const tree = treeRows(tokens(treeParents.length));
          const sequence = prefilled(context);
          model.forward(treeBatch(sequence, tree));
          for (const path of [[1], [0, 3], [0, 1, 2], [0, 0], [0, 8], [-1]]) {
            expectCode(() => sequence.compact(path), "bad-argument");
          }
          expectCode(() => sequence.truncate(4), "bad-argument");
          expectCode(() => sequence.truncate(-1), "bad-argument");
          expect([sequence.length, sequence.pending]).toEqual([3, tree.length]);
          sequence.compact([0, 1, 3, 7]);
          const got = model
            .forward(chainBatch(sequence, chain, "last"))
            .logits(2)
            .slice();
          expectEqual(got, reference([...context, ...pathTokens(tree, 7), ...chain]), "after the refusals");
        }),
      );
    });
  });
}

function treeRows(tokens: readonly number[]): Row[] {
  return treeParents.map((parent, i) => ({ token: tokens[i], parent }));
}

function pathIndices(tree: readonly Row[], node: number): number[] {
  const path: number[] = [];
  for (let i = node; i >= 0; i = tree[i].parent) path.push(i);
  return path.reverse();
}

function pathTokens(tree: readonly Row[], node: number): number[] {
  return pathIndices(tree, node).map((i) => tree[i].token);
}

/** A batch with all logits wanted. Depths follow from the parents, or from `depthOf` when parents lie in earlier forwards. */
function treeBatch(sequence: Sequence, tree: readonly Row[], depthOf?: (row: number) => number): ForwardBatch {
  const depth = depthOf ?? ((row: number) => pathIndices(tree, row).length - 1);
  return {
    sequence: new Int32Array(tree.length).fill(sequence.id),
    token: Int32Array.from(tree, (row) => row.token),
    parent: Int32Array.from(tree, (row) => row.parent),
    position: Int32Array.from(tree, (_, row) => sequence.length + depth(row)),
    wantLogits: new Uint8Array(tree.length).fill(1),
  };
}

/** Deals the rows of several batches in turn: a, b, c, a, b, .. `origin[row]` is [batch, row of that batch]. */
function interleave(parts: readonly ForwardBatch[]): { batch: ForwardBatch; origin: [number, number][] } {
  const origin: [number, number][] = [];
  for (let row = 0; origin.length < parts.reduce((sum, part) => sum + part.token.length, 0); row++) {
    parts.forEach((part, i) => {
      if (row < part.token.length) origin.push([i, row]);
    });
  }
  const column = (name: "sequence" | "token" | "parent" | "position") =>
    Int32Array.from(origin, ([i, row]) => parts[i][name][row]);
  return {
    batch: {
      sequence: column("sequence"),
      token: column("token"),
      parent: column("parent"),
      position: column("position"),
      wantLogits: new Uint8Array(origin.length).fill(1),
    },
    origin,
  };
}

function hiddenOf(model: LanguageModel, batch: ForwardBatch, layers: readonly number[], wanted: readonly number[]) {
  const rows = new Uint8Array(batch.token.length);
  for (const row of wanted) rows[row] = 1;
  const result = model.forward({ ...batch, wantHidden: { layers, rows } });
  const values = new Map<string, Float32Array>();
  for (const row of wanted) {
    for (const layer of layers) values.set(`${row}/${layer}`, result.hidden(row, layer).slice());
  }
  return { result, values };
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
  return worst;
}
