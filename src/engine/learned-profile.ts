import { Calibration, type CurveGrid, MeasuredCurve, measureCurve } from "../drafting/index.ts";
import type { LanguageModel } from "../lm/model.ts";
import { type ProfileKey, readProfile, writeProfile } from "./profile-store.ts";
import type { EngineModel } from "./runtime.ts";

/** Adapters change what a forward costs and says. */
export function profileKey({ hash, device, threads, model }: EngineModel): ProfileKey {
  const used = (model.adapters ?? []).filter(({ scale }) => scale !== 0);
  const modelHash = [hash, ...used.map(({ name, scale }) => `${name}=${scale}`)].join(" ");
  return { modelHash, device, threads, numerics: model.numerics };
}

/** Cost curve and acceptance of one model: what earlier runs learned, refined while it is used. */
export class LearnedProfile {
  readonly calibration: Calibration;
  /** What a proof of the numerics on this machine said, if there was one. */
  #exact: boolean | null;
  readonly #folder: string | null;
  readonly #key: ProfileKey;
  #curve: MeasuredCurve;

  /** `folder`: where profiles are kept; null keeps none. Without a saved one the curve is measured now, roughly. */
  constructor(model: EngineModel, folder: string | null) {
    this.#folder = folder;
    this.#key = profileKey(model);
    const saved = folder === null ? null : readProfile(folder, this.#key);
    this.calibration = saved?.calibration ?? new Calibration();
    this.#exact = saved?.exact ?? null;
    this.#curve = new MeasuredCurve(saved?.curve ?? roughGrid(model.model));
  }

  get curve(): MeasuredCurve {
    return this.#curve;
  }

  /** A careful measurement takes the place of what was known. `exact`: what the proof said. */
  replace(grid: CurveGrid, exact: boolean): void {
    this.#curve = new MeasuredCurve(grid);
    this.#exact = exact;
  }

  save(): void {
    if (this.#folder === null) return;
    writeProfile(this.#folder, this.#key, {
      curve: this.#curve.toJSON(),
      calibration: this.calibration,
      exact: this.#exact,
    });
  }
}

/**
 * A first grid in a fraction of a second on a small model, a few seconds on a large one: real rounds correct it, so it
 * need not be good. Long contexts are only measured where filling them is cheap.
 */
function roughGrid(model: LanguageModel): CurveGrid {
  const first = measureCurve(model, { widths: [1, 2], kv: [0], repeats: 2 });
  const isFast = first.ms[0][0] < 10;
  const room = model.contextLength - 16;
  const kv = isFast ? [0, 512].filter((rows) => rows <= room) : [0];
  return measureCurve(model, {
    widths: [1, 2, 3, 4, 6, 8, 12, 16].filter((w) => w <= model.contextLength),
    kv,
    repeats: isFast ? 3 : 1,
  });
}
