import type { ForwardBatch } from "../lm/model.ts";

/** One forward of the rows of all, in order: those of `batches[i]` follow those of `batches[i - 1]`. No skips; all have one adapter. */
export function joinBatches(batches: readonly ForwardBatch[]): ForwardBatch {
  if (batches.length === 1) return batches[0];
  const width = batches.reduce((sum, batch) => sum + batch.token.length, 0);
  const layers = [...new Set(batches.flatMap(({ wantHidden }) => wantHidden?.layers ?? []))];
  const joined = {
    sequence: new Int32Array(width),
    token: new Int32Array(width),
    parent: new Int32Array(width),
    position: new Int32Array(width),
    wantLogits: new Uint8Array(width),
  };
  const hiddenRows = new Uint8Array(width);
  let at = 0;
  for (const batch of batches) {
    for (const name of ["sequence", "token", "parent", "position", "wantLogits"] as const) {
      joined[name].set(batch[name], at);
    }
    if (batch.wantHidden) hiddenRows.set(batch.wantHidden.rows, at);
    at += batch.token.length;
  }
  const { adapter } = batches[0];
  return {
    ...joined,
    ...(adapter !== undefined && { adapter }),
    ...(layers.length > 0 && { wantHidden: { layers, rows: hiddenRows } }),
  };
}
