import { DraftwrightError } from "../../../errors.ts";
import { Mlp } from "../../networks/index.ts";
import { arrayNamed, packArrays, unpackArrays } from "./arrays.ts";
import { type FeatureOptions, makeFeatures } from "./features.ts";
import { type Algorithm, algorithms } from "./learner.ts";

/** How a network came about, for its model card. */
export interface TrainingRecord {
  readonly seed: number;
  readonly games: number;
  /** Decisions learned from, and gradient steps. */
  readonly steps: number;
  readonly updates: number;
  readonly cpuSeconds: number;
}

/** A trained network and what it was trained for. */
export interface Checkpoint {
  readonly algorithm: Algorithm;
  readonly features: FeatureOptions;
  readonly hidden: readonly number[];
  readonly weights: Float32Array;
  readonly training: TrainingRecord;
}

const kind = "sushi-go-party";

export function encodeCheckpoint({ weights, ...rest }: Checkpoint): Uint8Array {
  return packArrays({ header: { kind, ...rest }, arrays: new Map([["weights", weights]]) });
}

/** Throws bad-model for bytes that are no checkpoint of this game. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const file = unpackArrays(bytes);
  const header = file.header as unknown as Omit<Checkpoint, "weights"> & { kind: string };
  if (header.kind !== kind || !algorithms.includes(header.algorithm)) {
    throw new DraftwrightError("bad-model", "This checkpoint is none of Sushi Go Party!. Name one that `train` wrote.");
  }
  const { algorithm, features, hidden, training } = header;
  const checkpoint = { algorithm, features, hidden, training, weights: new Float32Array() };
  const { weights } = networkOf(checkpoint);
  return { ...checkpoint, weights: arrayNamed(file, "weights", weights as Float32Array) };
}

/** The network of a checkpoint; weights of another size are left at their start. */
export function networkOf({ algorithm, features: options, hidden, weights }: Checkpoint): Mlp {
  const features = makeFeatures(options);
  const outputs = features.actions.length + (algorithm === "ppo" ? 1 : 0);
  const network = new Mlp({ inputs: features.inputs, hidden, outputs }, 0);
  if (weights.length === network.weights.length) network.weights.set(weights);
  return network;
}
