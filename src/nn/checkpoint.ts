// Parameters, and whole training runs, as GGUF files.
import { DraftwrightError } from "../errors.ts";
import { type GgufTensorSource, type MetadataValue, openGguf, Type, writeGguf } from "../ggml/index.ts";
import type { Optimiser } from "./optimiser.ts";
import type { Parameters } from "./parameters.ts";
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

/** Writes all parameters as F32 under their names. The file appears when it is complete. */
export function saveParameters(path: string, all: Parameters, extra: Extra = new Map()): void {
  writeGguf(path, extra, sources(all));
}

/**
 * Reads the values of all parameters from a file of `saveParameters` (or any GGUF file with such F32 tensors); others are
 * ignored. Throws `bad-checkpoint` when one is missing or has another shape.
 */
export function loadParameters(path: string, all: Parameters): void {
  using gguf = openGguf(path);
  for (const parameter of all.all) parameter.write(readF32(gguf, path, parameter.name, parameter.elements));
}

function readF32(gguf: ReturnType<typeof openGguf>, path: string, name: string, elements: number) {
  const tensor = gguf.tensors.get(name);
  if (!tensor || tensor.type !== Type.F32 || tensor.bytes !== 4 * elements) {
    const found = tensor ? `is ${tensor.type.name} [${tensor.ne}]` : "is missing";
    throw new DraftwrightError(
      "bad-checkpoint",
      `${path}: "${name}" ${found}, expected ${elements} F32 elements; use the settings the file was trained with`,
    );
  }
  const values = new Float32Array(elements);
  gguf.readInto(tensor, bytesOf(values));
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
  const state = JSON.parse(text) as { steps: number; random: number[]; progress: unknown };
  for (const p of run.parameters.all) p.write(readF32(gguf, path, p.name, p.elements));
  for (const [name, tensor] of run.optimiser.state) tensor.write(readF32(gguf, path, name, tensor.elements));
  run.optimiser.steps = state.steps;
  run.random.state = state.random;
  return state.progress;
}
