// Mutations of a file's bytes: its fields (layout.mjs), and damage that knows nothing of the format.

import { fields } from "./layout.mjs";

const HUGE = [2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 62n, 2n ** 63n, 2n ** 64n - 1n];

/** One to four mutations of `file`, in a new buffer. */
export function mutateBytes(file, random) {
  const known = fields(file);
  let bytes = Buffer.from(file);
  for (let left = 1 + random.below(4); left > 0; left--) {
    if (random.chance(0.75)) mutateField(bytes, random.pick(known), random);
    else bytes = random.pick(DAMAGE)(bytes, random);
  }
  return bytes;
}

function mutateField(bytes, { kind, offset, size }, random) {
  if (offset + size > bytes.length) return;
  if (kind === "text" || kind === "data") {
    for (let left = 1 + random.below(8); left > 0; left--) bytes[offset + random.below(size)] = someByte(random);
  } else if (size === 8) {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, someNumber(bytes.readBigUInt64LE(offset), bytes.length, random)), offset);
  } else if (kind === "type" || kind === "tensorType" || kind === "rank") {
    bytes.writeUInt32LE(random.chance(0.9) ? random.below(45) : random.below(2 ** 32), offset);
  } else {
    random.bytes(size).copy(bytes, offset);
    // Numbers that arithmetic trips over: zero, all ones, infinities and NaN.
    if (random.chance(0.5)) bytes.fill(random.pick([0, 0xff, 0x7f]), offset, offset + size);
    if (size === 4 && random.chance(0.3)) bytes.writeUInt32LE(random.pick([1, 2, 3, 0x7f800000, 0xff800000]), offset);
  }
}

function someNumber(value, fileBytes, random) {
  const near = [
    value + 1n,
    value - 1n,
    value * 2n,
    value / 2n,
    0n,
    1n,
    value + 32n,
    value ^ (1n << BigInt(random.below(64))),
  ];
  return random.chance(0.7)
    ? random.pick(near)
    : random.pick([...HUGE, BigInt(fileBytes), BigInt(random.below(fileBytes))]);
}

function someByte(random) {
  return random.chance(0.4) ? random.pick([0, 0x20, 0x0a, 0x7b, 0x25, 0x80, 0xc0, 0xf5, 0xff]) : random.below(256);
}

const DAMAGE = [
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length));
  },
  function flipBits(bytes, random) {
    // Most of a file is weights; the front is where flips matter.
    const end = random.chance(0.8) ? Math.min(bytes.length, 4096) : bytes.length;
    for (let left = 1 + random.below(16); left > 0 && end > 0; left--) bytes[random.below(end)] ^= 1 << random.below(8);
    return bytes;
  },
  function copyBlock(bytes, random) {
    const length = random.below(Math.min(bytes.length, 512) + 1);
    const from = random.below(bytes.length - length + 1);
    bytes.copy(bytes, random.below(bytes.length - length + 1), from, from + length);
    return bytes;
  },
  function removeBlock(bytes, random) {
    const from = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + random.below(64))]);
  },
  function insertBlock(bytes, random) {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(64)), bytes.subarray(at)]);
  },
  function fillBlock(bytes, random) {
    const from = random.below(bytes.length + 1);
    return bytes.fill(random.pick([0, 0xff]), from, Math.min(bytes.length, from + random.below(256)));
  },
];
