// Learning rates as functions of the step, counted from 0.

export type Schedule = (step: number) => number;

export const constantRate =
  (rate: number): Schedule =>
  () =>
    rate;

/** Linear warm-up, then a cosine from `rate` to `floor` at `steps`; `floor` after that. */
export function cosine(rate: number, steps: number, warmUp = 0, floor = 0): Schedule {
  return (step) => {
    if (step < warmUp) return (rate * (step + 1)) / warmUp;
    const part = Math.min(1, (step - warmUp) / Math.max(1, steps - warmUp));
    return floor + (rate - floor) * 0.5 * (1 + Math.cos(Math.PI * part));
  };
}

/** Linear warm-up, then a straight line from `rate` to `floor` at `steps`. */
export function linear(rate: number, steps: number, warmUp = 0, floor = 0): Schedule {
  return (step) => {
    if (step < warmUp) return (rate * (step + 1)) / warmUp;
    return Math.max(floor, rate + (floor - rate) * Math.min(1, (step - warmUp) / Math.max(1, steps - warmUp)));
  };
}
