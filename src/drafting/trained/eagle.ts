// EAGLE-1 (Li et al. 2024): one decoder layer over A f_i + B e_(i+1) + b estimates the next feature f_(i+1). Its output
// stands for the feature when the next token is drafted. Falcon (Gao et al. 2025) with its linear fuser is the same network:
// what differs is which rows see each other, that row i estimates f_(i+k), and how it learns.
import {
  add,
  Linear,
  mul,
  type Parameters,
  reshape,
  scaledNormal,
  sigmoid,
  tanh,
  type Variable,
  zeros,
} from "../../nn/index.ts";
import { DecoderLayer } from "./decoder-layer.ts";
import type { Fuser, Head, HeadRows, HeadSettings } from "./head.ts";

/** What goes into the layer, and, if that is something else, what other rows see of it. */
type Fuse = (rows: HeadRows) => { readonly x: Variable; readonly shown?: Variable };

/** A f + B e + b, the identity of f at first. */
function linearFuser(parameters: Parameters, size: number): Fuse {
  const identity = (values: Float32Array) => {
    for (let i = 0; i < size; i++) values[i * size + i] = 1;
  };
  const from = new Linear(parameters, "from", size, size, { initialiser: identity });
  const token = new Linear(parameters, "token", size, size, { bias: false, initialiser: zeros });
  return (rows) => ({ x: add(from.apply(rows.feature), token.apply(rows.token)) });
}

/**
 * What the LSTM of the published code computes: it takes the positions for a batch, so each is one step from an empty state.
 * Without the forget gate, which meets nothing, two layers of o * tanh(i * tanh(g)).
 */
function gateFuser(parameters: Parameters, size: number): Fuse {
  const gates = (name: string, bias: boolean) =>
    ["input", "cell", "output"].map((gate) => new Linear(parameters, `${name}.${gate}`, size, size, { bias }));
  const [feature, token, second] = [
    gates("gate.feature", true),
    gates("gate.token", false),
    gates("gate.second", true),
  ];
  const cell = ([i, g, o]: readonly Variable[]) => mul(sigmoid(o), tanh(mul(sigmoid(i), tanh(g))));
  return (rows) => {
    const first = cell(feature.map((gate, i) => add(gate.apply(rows.feature), token[i].apply(rows.token))));
    return { x: cell(second.map((gate) => gate.apply(first))) };
  };
}

/** What the published LSTM is named for: its state goes from row to row. Forget gates are open at first. */
function lstmFuser(parameters: Parameters, size: number): Fuse {
  const gates = (name: string, bias: boolean) => new Linear(parameters, `lstm.${name}`, size, 4 * size, { bias });
  const [feature, token, second] = [gates("feature", true), gates("token", false), gates("second", true)];
  for (const { bias } of [feature, second]) bias?.write(bias.read().fill(1, size, 2 * size));
  const recurrent = [0, 1].map((layer) =>
    parameters.create(`lstm.recurrent.${layer}`, [size, 4 * size], scaledNormal()),
  );
  return (rows) => {
    const weights = recurrent.map((weight) => rows.feature.tape.use(parameters, weight));
    const first = rows.recur(0, add(feature.apply(rows.feature), token.apply(rows.token)), weights[0]);
    return { x: rows.recur(1, second.apply(first), weights[1]) };
  };
}

/**
 * The rows of a block but the last do not read the newest token. The published head leaves it to attention to fetch it, which
 * takes long to learn; here it is added to all rows. Others see a row without it, for a block may yet get a newer last row.
 */
function newestFuser(parameters: Parameters, size: number): Fuse {
  const own = linearFuser(parameters, size);
  const [feature, token] = ["feature", "token"].map(
    (part) => new Linear(parameters, `newest.${part}`, size, size, { bias: false, initialiser: zeros }),
  );
  return (rows) => {
    const { x: shown } = own(rows);
    return { x: add(shown, rows.newest(add(feature.apply(rows.feature), token.apply(rows.token)))), shown };
  };
}

const fusersByName = { linear: linearFuser, newest: newestFuser, gate: gateFuser, lstm: lstmFuser } satisfies Record<
  Fuser,
  unknown
>;

export function eagleHead(parameters: Parameters, settings: HeadSettings): Head {
  const { hiddenSize, fuser = "linear" } = settings;
  const join = fusersByName[fuser](parameters, hiddenSize);
  const layer = new DecoderLayer(parameters, "layer", hiddenSize, { inputNorm: false });
  return {
    settings,
    parameters,
    layers: 1,
    recurrences: fuser === "lstm" ? 2 : 0,
    cacheWidth: hiddenSize,
    outputs(rows) {
      const { x, shown } = join(rows);
      return reshape(layer.apply(x, rows.attend, 0, shown), hiddenSize, 1, x.rows);
    },
  };
}
