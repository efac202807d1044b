import { DraftwrightError } from "../../../errors.ts";

/**
 * When drafting stops: after a token whose confidence is under gamma. `adaptive` moves gamma so that the share of accepted
 * tokens comes near `target`. Source: Draft & Verify (Zhang et al. 2024), with the defaults of its appendix.
 */
export interface ThresholdOptions {
  /** Default `adaptive`. */
  readonly mode?: "static" | "adaptive";
  /** First gamma; default 0.6. The only field that `static` looks at. */
  readonly start?: number;
  /** Wanted acceptance (alpha); default 0.9. */
  readonly target?: number;
  /** Step of gamma; default 0.01. */
  readonly eps?: number;
  /** Memory of the acceptance rate; default 0.5. */
  readonly b1?: number;
  /** Memory of gamma; default 0.9. */
  readonly b2?: number;
  /** Bounds of gamma; default 0 and 1. */
  readonly min?: number;
  readonly max?: number;
}

/** What is carried from request to request: gamma moves by (1 - b2) eps = 0.001 a round at most. */
export interface ThresholdState {
  readonly gamma: number;
  /** Moving average of accepted / drafted tokens a round (AR); 0 before the first round. */
  readonly acceptanceRate: number;
}

const defaults = { mode: "adaptive", start: 0.6, target: 0.9, eps: 0.01, b1: 0.5, b2: 0.9, min: 0, max: 1 } as const;

export class Threshold implements ThresholdState {
  gamma: number;
  acceptanceRate: number;
  private readonly options: Required<ThresholdOptions>;

  /** Throws "bad-argument" for values outside 0..1, or bounds that leave nothing. */
  constructor(options: ThresholdOptions = {}, state?: ThresholdState) {
    this.options = { ...defaults, ...options };
    const { mode, min, max, start } = this.options;
    if (mode !== "static" && mode !== "adaptive") refuse(`mode is "${mode}"; it must be static or adaptive`);
    const { mode: _, ...numbers } = this.options;
    const { gamma = start, acceptanceRate = 0 } = state ?? {};
    for (const [name, value] of Object.entries({ ...numbers, gamma, acceptanceRate })) {
      if (!(value >= 0 && value <= 1)) refuse(`${name} is ${value}; it must be in 0..1`);
    }
    if (min > max) refuse(`min ${min} is above max ${max}`);
    this.gamma = mode === "static" ? start : clamp(gamma, min, max);
    this.acceptanceRate = acceptanceRate;
  }

  /** A round drafted `drafted` tokens (at least 1). `capped`: it ended for another reason than the threshold. */
  update(accepted: number, drafted: number, capped: boolean): void {
    const { mode, target, eps, b1, b2, min, max } = this.options;
    this.acceptanceRate = b1 * this.acceptanceRate + (1 - b1) * (accepted / drafted);
    if (mode === "static") return;
    let wanted = this.gamma;
    if (this.acceptanceRate < target) wanted += eps;
    else if (!capped) wanted -= eps;
    this.gamma = clamp(b2 * this.gamma + (1 - b2) * wanted, min, max);
  }

  toJSON(): ThresholdState {
    return { gamma: this.gamma, acceptanceRate: this.acceptanceRate };
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}

function refuse(what: string): never {
  throw new DraftwrightError("bad-argument", `layer-skip threshold: ${what}.`);
}
