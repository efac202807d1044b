import type { Adapter, ForwardBatch, Sequence } from "../lm/model.ts";
import type { DraftTree } from "./tree.ts";

/** Builds the batch of a round: the root, then the nodes of the tree. Batches are kept by width and filled again. */
export class RoundBatches {
  private readonly byWidth: (ForwardBatch & { position: Int32Array })[] = [];
  readonly layers: readonly number[];
  private readonly adapter: Adapter | null | undefined;

  /** `layers`: hidden states wanted of every row. */
  constructor(layers: readonly number[], adapter?: Adapter | null) {
    this.layers = layers;
    this.adapter = adapter;
  }

  /** Row 0 is the root, row i + 1 is node i. Valid until the next call for the same width. */
  fill(sequence: Sequence, root: number, tree: DraftTree): ForwardBatch {
    const nodes = tree.token.length;
    this.byWidth[nodes] ??= this.make(nodes + 1, sequence.id);
    const batch = this.byWidth[nodes];
    batch.token[0] = root;
    batch.position[0] = sequence.length;
    for (let i = 0; i < nodes; i++) {
      const row = tree.parent[i] + 1;
      batch.token[i + 1] = tree.token[i];
      batch.parent[i + 1] = row;
      batch.position[i + 1] = batch.position[row] + 1;
    }
    return batch;
  }

  private make(width: number, id: number): ForwardBatch {
    const ones = new Uint8Array(width).fill(1);
    return {
      sequence: new Int32Array(width).fill(id),
      token: new Int32Array(width),
      parent: new Int32Array(width).fill(-1),
      position: new Int32Array(width),
      wantLogits: ones,
      ...(this.adapter !== undefined && { adapter: this.adapter }),
      ...(this.layers.length > 0 && { wantHidden: { layers: this.layers, rows: ones } }),
    };
  }
}
