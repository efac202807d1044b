// The arithmetic of a Llama block on one row, in plain f64 loops. Slow on purpose: it is there to be read.

/** out[r] = sum over c of matrix[r][c] * x[c]; `matrix` is row-major [out.length, x.length]. */
export function matVec(matrix: Float64Array, x: Float64Array, out: Float64Array): void {
  for (let r = 0; r < out.length; r++) {
    const base = r * x.length;
    let sum = 0;
    for (let c = 0; c < x.length; c++) sum += matrix[base + c] * x[c];
    out[r] = sum;
  }
}

/** Root-mean-square norm: out = x / sqrt(mean(x^2) + epsilon) * weight. */
export function rmsNorm(x: Float64Array, weight: Float64Array, epsilon: number, out: Float64Array): void {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  const scale = 1 / Math.sqrt(sum / x.length + epsilon);
  for (let i = 0; i < x.length; i++) out[i] = x[i] * scale * weight[i];
}

/** Rotates neighbouring pairs of each head in place (RoPE, the "normal" layout of Llama GGUF files). */
export function rope(x: Float64Array, headSize: number, position: number, base: number): void {
  for (let start = 0; start < x.length; start += headSize) {
    for (let i = 0; i < headSize; i += 2) {
      const angle = position * base ** (-i / headSize);
      const cos = Math.cos(angle);
      const sin = Math.sin(angle);
      const a = x[start + i];
      const b = x[start + i + 1];
      x[start + i] = a * cos - b * sin;
      x[start + i + 1] = a * sin + b * cos;
    }
  }
}

/** Softmax in place over the first `count` entries. */
export function softmax(x: Float64Array, count: number): void {
  let max = -Infinity;
  for (let i = 0; i < count; i++) max = Math.max(max, x[i]);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    x[i] = Math.exp(x[i] - max);
    sum += x[i];
  }
  for (let i = 0; i < count; i++) x[i] /= sum;
}

export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}
