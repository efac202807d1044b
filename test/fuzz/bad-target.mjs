// A target with one fault of each kind, by case number: shows that a run finds them (fuzz.test.ts).

let kept;

export async function load(_path, { number }) {
  if (number === 10) process.abort();
  if (number === 20) for (;;);
  if (number === 30) kept = Buffer.alloc(256 * 2 ** 20, 1);
  if (number === 40) kept.missing.property = 1;
}
