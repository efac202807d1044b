import type { PanelScore, Trainer } from "./trainer.ts";

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** About twice a second, and at the end. */
  readonly progress?: (trainer: Trainer) => void;
  /** Each time the network was evaluated. */
  readonly evaluated?: (best: PanelScore) => void;
}

/** Trains until the training is over (true) or the signal ends it (false); other work gets a turn in between. */
export async function runTraining(
  trainer: Trainer,
  { signal, progress, evaluated }: RunOptions = {},
): Promise<boolean> {
  const before = trainer.cpuSeconds;
  const usage = process.cpuUsage();
  let shown = performance.now();
  let { evaluations } = trainer;
  while (trainer.done < 1 && !signal?.aborted) {
    trainer.playGame();
    const { user, system } = process.cpuUsage(usage);
    trainer.cpuSeconds = before + (user + system) / 1e6;
    if (trainer.evaluations > evaluations && trainer.best) {
      evaluations = trainer.evaluations;
      evaluated?.(trainer.best);
    }
    if (performance.now() - shown < 500) continue;
    shown = performance.now();
    progress?.(trainer);
    await new Promise(setImmediate);
  }
  progress?.(trainer);
  return trainer.done >= 1;
}
