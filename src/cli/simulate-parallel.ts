import { type CurveGrid, MeasuredCurve } from "../drafting/index.ts";
import { type Comparison, compareParallel } from "../drafting/parallel/index.ts";
import type { Model } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";
import { keyedUniform } from "../lm/sampling/index.ts";
import { loadFromFlags, type ModelFlags } from "./flags.ts";
import { milliseconds } from "./terminal.ts";

const acceptances = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
const kv = 256;

export interface ParallelSimulation {
  readonly drafter: string;
  readonly draftMs: number;
  /** On cores of their own, with the target's measured curve. */
  readonly cores: readonly Comparison[];
  /** With the target on a device on which a round takes `deviceMs` at any width. */
  readonly deviceMs: number;
  readonly device: readonly Comparison[];
}

/**
 * What drafting in parallel would gain: with the measured curves, and beside a device with flat costs. Measures the first
 * draft model on one thread. `deviceMs`: default the target's own time of one row. Throws "bad-argument".
 */
export async function simulateParallelDrafting(
  flags: ModelFlags,
  model: Model,
  grid: CurveGrid,
  deviceMs?: number,
): Promise<ParallelSimulation> {
  const [drafter] = model.info.draftModels;
  if (!drafter) {
    throw new DraftwrightError("bad-argument", "There is no draft model to simulate: name one with --draft-model.");
  }
  await using draft = await loadFromFlags({
    ...flags,
    model: drafter,
    draftModel: ["none"],
    threads: 1,
    device: "cpu",
  });
  const report = await draft.profile({ widths: [1], kv: [0, kv] });
  const draftMs = new MeasuredCurve(report).ms(1, kv);
  const curve = new MeasuredCurve(grid);
  const flat = deviceMs ?? curve.ms(1, kv);
  const compare = (targetMs: (width: number) => number) =>
    acceptances.map((acceptance) => compareParallel({ targetMs, draftMs, acceptance }, draws));
  return {
    drafter,
    draftMs,
    cores: compare((width) => curve.ms(width, kv)),
    deviceMs: flat,
    device: compare(() => flat),
  };
}

export function simulationText({ drafter, draftMs, cores, deviceMs, device }: ParallelSimulation): string {
  return (
    `drafting in parallel with ${drafter}, simulated: ${milliseconds(draftMs)} a token, after ${kv} tokens of context\n\n` +
    `target and drafter on cores of their own\n${table(cores)}\n` +
    `target on a device where a round takes ${milliseconds(deviceMs)} at any width\n${table(device)}`
  );
}

function table(rows: readonly Comparison[]): string {
  const lines = rows.map(({ acceptance, serial, parallel }) => {
    const cells = [
      `${Math.round(acceptance * 100)} %`,
      `${serial.speedup.toFixed(2)}x`,
      `${serial.ahead}`,
      `${parallel.speedup.toFixed(2)}x`,
      `${parallel.ahead}`,
      `${(parallel.speedup / serial.speedup).toFixed(2)}x`,
    ];
    return `${cells.map((cell) => cell.padStart(10)).join("")}\n`;
  });
  const head = ["accepted", "serial", "tokens", "parallel", "ahead", "gain"];
  return `${head.map((name) => name.padStart(10)).join("")}\n${lines.join("")}`;
}

function draws(): () => number {
  let i = 0;
  return () => keyedUniform(1, 0, i++);
}
