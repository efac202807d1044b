// Dropout whose masks cost one draw of the generator for four numbers: with H = 128 and S = 50 a training step needs
// fifteen million of them. The rate is rounded to 1 / 256.
import * as nn from "../../../nn/index.ts";

/** Zeroes each element with chance `rate` and scales the others up; another mask at each run. */
export function dropout(x: nn.Variable, rate: number, random: nn.Random): nn.Variable {
  const limit = Math.round(rate * 256);
  if (limit === 0 || !x.tape.records) return x;
  const mask = x.tape.input(...x.shape);
  const kept = 256 / (256 - limit);
  x.tape.beforeRun(() => {
    const values = mask.array;
    for (let i = 0; i < values.length; ) {
      let bits = random.bits();
      for (let k = 0; k < 4 && i < values.length; k++, i++) {
        values[i] = (bits & 255) < limit ? 0 : kept;
        bits >>>= 8;
      }
    }
  });
  return nn.mul(x, mask.variable);
}
