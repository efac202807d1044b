// EAGLE-1 (Li et al. 2024): one decoder layer over A f_i + B e_(i+1) + b estimates the next feature f_(i+1). Its output
// stands for the feature when the next token is drafted. Falcon (Gao et al. 2025) with its linear fuser is the same network:
// what differs is which rows see each other, that row i estimates f_(i+k), and how it learns.
import { add, Linear, type Parameters, reshape, zeros } from "../../nn/index.ts";
import { DecoderLayer } from "./decoder-layer.ts";
import type { Head, HeadSettings } from "./head.ts";

export function eagleHead(parameters: Parameters, settings: HeadSettings): Head {
  const { hiddenSize } = settings;
  const identity = (values: Float32Array) => {
    for (let i = 0; i < hiddenSize; i++) values[i * hiddenSize + i] = 1;
  };
  const from = new Linear(parameters, "from", hiddenSize, hiddenSize, { initialiser: identity });
  const token = new Linear(parameters, "token", hiddenSize, hiddenSize, { bias: false, initialiser: zeros });
  const layer = new DecoderLayer(parameters, "layer", hiddenSize, { inputNorm: false });
  return {
    settings,
    parameters,
    layers: 1,
    cacheWidth: hiddenSize,
    outputs(rows) {
      const x = add(from.apply(rows.feature), token.apply(rows.token));
      return reshape(layer.apply(x, rows.attend, 0), hiddenSize, 1, x.rows);
    },
  };
}
