import { DraftwrightError } from "../../errors.ts";
import { findDevice, usableCores } from "../../ggml/index.ts";
import type { LoadOptions } from "../../lm/load.ts";

export interface ParallelOptions {
  /** Cores of the drafter. Default 1; beside a target on a GPU all but one, which feeds it. */
  readonly threads?: number;
  /** Device of the drafter. Default "cpu". */
  readonly device?: string;
}

type Placement = Pick<LoadOptions, "device" | "threads" | "cores">;

/**
 * Devices and cores of a target and of the drafter that runs beside it: where both are on the CPU, no core serves both.
 * Throws "bad-argument" when there are too few, and "device-missing".
 */
export function placeModels(
  { device, threads }: Pick<LoadOptions, "device" | "threads">,
  parallel: ParallelOptions,
  cores: readonly number[] = usableCores(),
): { target: Placement; drafter: Placement } {
  const targetOnCpu = findDevice(device).kind === "cpu";
  const drafterOnCpu = findDevice(parallel.device).kind === "cpu";
  // A device of its own is fed by one core.
  const drafterThreads = parallel.threads ?? (targetOnCpu || !drafterOnCpu ? 1 : Math.max(1, cores.length - 1));
  const most = cores.length - drafterThreads;
  const targetThreads = targetOnCpu ? (threads ?? 1) : 1;
  if (!(drafterThreads >= 1) || targetThreads > most) {
    throw new DraftwrightError(
      "bad-argument",
      `Drafting in parallel needs cores that nobody shares: ${targetThreads} for the target and ${drafterThreads} for ` +
        `the drafter, and this process may use ${cores.length}. Use fewer threads, or \`model\` instead of \`parallel\`.`,
    );
  }
  return {
    target: targetOnCpu ? { device, threads, cores: cores.slice(0, threads ?? most) } : { device, threads },
    drafter: {
      device: parallel.device,
      ...(drafterOnCpu && { threads: drafterThreads, cores: cores.slice(most) }),
    },
  };
}
