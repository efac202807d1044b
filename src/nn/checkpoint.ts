// Parameters, and whole training runs, as GGUF files.
import { DraftwrightError } from "../errors.ts";
import {
  type GgufTensorSource,
  type MetadataValue,
  openGguf,
  quantizeRows,
  type TensorType,
  Type,
  writeGguf,
} from "../ggml/index.ts";
import type { Optimiser } from "./optimiser.ts";
import type { Parameter, Parameters } from "./parameters.ts";
import type { Random } from "./random.ts";

export type Extra = ReadonlyMap<string, MetadataValue>;

const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function sources(all: Parameters): GgufTensorSource[] {
  return all.all.map((parameter) => ({
    name: parameter.name,
    type: Type.F32,
    ne: parameter.shape,
    data: () => bytesOf(parameter.read()),
  }));
}

/**
 * Writes all parameters under their names, as F32; with `type`, matrices that only products read ("*.weight") as that. The
 * file appears when it is complete.
 */
export function saveParameters(path: string, all: Parameters, extra: Extra = new Map(), type = Type.F32): void {
  const changes = ({ name, shape }: Parameter) =>
    type !== Type.F32 && shape.length === 2 && name.endsWith(".weight") && shape[0] % type.blockElements === 0;
  const as = (parameter: Parameter): GgufTensorSource => {
    const { name, shape } = parameter;
    return { name, type, ne: shape, data: () => quantizeRows(type, parameter.read(), shape[0]) };
  };
  writeGguf(
    path,
    extra,
    sources(all).map((source, i) => (changes(all.all[i]) ? as(all.all[i]) : source)),
  );
}

/**
 * Reads the values of all parameters from a file of `saveParameters` (or any GGUF file with such tensors); others are
 * ignored. What is not F32 in the file is frozen. Throws `bad-checkpoint` when one is missing or has another shape.
 */
export function loadParameters(path: string, all: Parameters): void {
  using gguf = openGguf(path);
  for (const parameter of all.all) {
    const type = gguf.tensors.get(parameter.name)?.type ?? Type.F32;
    const bytes = readBytes(gguf, path, parameter, type);
    if (type === Type.F32) parameter.write(new Float32Array(bytes.buffer));
    else parameter.freeze(type, bytes);
  }
}

type Named = Pick<Parameter, "name" | "elements">;

function readBytes(gguf: ReturnType<typeof openGguf>, path: string, { name, elements }: Named, type: TensorType) {
  const tensor = gguf.tensors.get(name);
  const bytes = (elements / type.blockElements) * type.blockBytes;
  if (!tensor || tensor.type !== type || tensor.bytes !== bytes) {
    const found = tensor ? `is ${tensor.type.name} [${tensor.ne}]` : "is missing";
    throw new DraftwrightError(
      "bad-checkpoint",
      `${path}: "${name}" ${found}, expected ${elements} ${type.name} elements; use the settings the file was trained with`,
    );
  }
  const values = new Uint8Array(bytes);
  gguf.readInto(tensor, values);
  return values;
}

const STATE = "draftwright.training";

/** Everything a run needs to go on exactly as if it had not stopped: parameters, moments, generators, and `progress`. */
export interface RunState {
  readonly parameters: Parameters;
  readonly optimiser: Optimiser;
  readonly random: Random;
}

/** `progress` is the caller's own, as JSON. Written beside and renamed: a killed process leaves the former file whole. */
export function saveRun(path: string, run: RunState, progress: unknown): void {
  const moments = [...run.optimiser.state].map(([name, tensor]): GgufTensorSource => {
    const data = () => {
      const values = new Float32Array(tensor.elements);
      tensor.read(values);
      return bytesOf(values);
    };
    return { name, type: Type.F32, ne: tensor.shape, data };
  });
  const state = { steps: run.optimiser.steps, random: run.random.state, progress };
  const extra = new Map<string, MetadataValue>([[STATE, { type: "string", value: JSON.stringify(state) }]]);
  writeGguf(path, extra, [...sources(run.parameters), ...moments]);
}

/** Restores what `saveRun` wrote; returns `progress`. Throws `bad-checkpoint`. */
export function loadRun(path: string, run: RunState): unknown {
  using gguf = openGguf(path);
  const text = gguf.metadata.string(STATE);
  if (text === undefined) {
    throw new DraftwrightError("bad-checkpoint", `${path} is not the state of a training run; train from the start`);
  }
  const floats = (named: Named) => new Float32Array(readBytes(gguf, path, named, Type.F32).buffer);
  const state = JSON.parse(text) as { steps: number; random: number[]; progress: unknown };
  for (const p of run.parameters.all) p.write(floats(p));
  for (const [name, tensor] of run.optimiser.state) tensor.write(floats({ name, elements: tensor.elements }));
  run.optimiser.steps = state.steps;
  run.random.state = state.random;
  return state.progress;
}
