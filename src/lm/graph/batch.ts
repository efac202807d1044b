// Checks of a forward's arguments, before any native call, and the grouping of its rows by sequence.
import { DraftwrightError } from "../../errors.ts";
import type { Adapter, ForwardBatch, LanguageModel, SkipSet } from "../model.ts";
import type { GraphSequence } from "./sequence.ts";

/** The rows of one sequence, as indices into the batch, in batch order. */
export interface RowGroup {
  readonly sequence: GraphSequence;
  readonly rows: readonly number[];
}

function refuse(what: string): never {
  throw new DraftwrightError("bad-argument", what);
}

/** Throws `bad-argument`, `bad-shape` or `disposed`, naming the row, or `context-overflow` when a sequence has too little room. */
export function checkBatch(
  batch: ForwardBatch,
  sequences: ReadonlyMap<number, GraphSequence>,
  model: Pick<LanguageModel, "vocabSize" | "layerCount" | "contextLength"> & { readonly adapters: readonly Adapter[] },
): void {
  const width = batch.token.length;
  if (width === 0) refuse("a forward needs at least one row");
  for (const name of ["sequence", "parent", "position", "wantLogits"] as const) {
    if (batch[name].length !== width) {
      throw new DraftwrightError("bad-shape", `batch.${name} has ${batch[name].length} entries for ${width} rows`);
    }
  }
  checkLayers(batch, model.layerCount);
  checkAdapter(batch, model.adapters);
  const added = new Map<number, number>();
  for (let row = 0; row < width; row++) {
    const id = batch.sequence[row];
    const sequence = sequences.get(id);
    if (!sequence) {
      throw new DraftwrightError("disposed", `row ${row}: sequence ${id} is closed or belongs to another model`);
    }
    const token = batch.token[row];
    if (token < 0 || token >= model.vocabSize)
      refuse(`row ${row}: token ${token} is outside of the vocabulary (0..${model.vocabSize - 1})`);
    const pending = sequence.pending + (added.get(id) ?? 0);
    const parent = batch.parent[row];
    if (parent < -1 || parent >= pending)
      refuse(`row ${row}: parent ${parent} is not one of the ${pending} pending rows before it`);
    const position = batch.position[row];
    if (position < 0 || position >= model.contextLength) {
      throw new DraftwrightError(
        "context-overflow",
        `row ${row}: position ${position} is outside of the context of ${model.contextLength} tokens`,
      );
    }
    added.set(id, pending - sequence.pending + 1);
  }
  for (const [id, count] of added) {
    const sequence = sequences.get(id) as GraphSequence;
    if (sequence.length + sequence.pending + count > sequence.capacity) {
      throw new DraftwrightError(
        "context-overflow",
        `sequence ${id} holds ${sequence.length + sequence.pending} of ${sequence.capacity} rows; ${count} more do not fit`,
      );
    }
  }
}

function checkAdapter({ adapter }: ForwardBatch, loaded: readonly Adapter[]): void {
  if (!adapter) return;
  const names = loaded.map(({ name }) => name);
  if (!names.includes(adapter.name)) {
    refuse(`adapter "${adapter.name}" is not loaded with this model; there is ${names.join(", ") || "none"}`);
  }
  if (!Number.isFinite(adapter.scale)) refuse(`the scale of adapter "${adapter.name}" is ${adapter.scale}, no number`);
}

function checkLayers(batch: ForwardBatch, layerCount: number): void {
  const check = (name: string, layers: readonly number[], end: number) => {
    for (const layer of layers) {
      if (!Number.isInteger(layer) || layer < 0 || layer >= end)
        refuse(`${name}: layer ${layer} is outside of 0..${end - 1}`);
    }
  };
  const skip: SkipSet = batch.skip ?? { attention: [], mlp: [] };
  check("skip.attention", skip.attention, layerCount);
  check("skip.mlp", skip.mlp, layerCount);
  if (batch.wantHidden) {
    check("wantHidden.layers", batch.wantHidden.layers, layerCount + 2);
    if (batch.wantHidden.rows.length !== batch.token.length) refuse("batch.wantHidden.rows needs one entry a row");
  }
}

/** Rows by sequence, in order of first appearance. */
export function groupRows(batch: ForwardBatch, sequences: ReadonlyMap<number, GraphSequence>): RowGroup[] {
  const groups = new Map<number, number[]>();
  for (let row = 0; row < batch.token.length; row++) {
    const rows = groups.get(batch.sequence[row]);
    if (rows) rows.push(row);
    else groups.set(batch.sequence[row], [row]);
  }
  return [...groups].map(([id, rows]) => ({ sequence: sequences.get(id) as GraphSequence, rows }));
}
