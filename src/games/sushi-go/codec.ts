// A saved state: magic, version, the set-up as JSON, then the bytes of the state.
import { DraftwrightError } from "../../errors.ts";
import type { TileName } from "./cards.ts";
import { makeSetup, type Setup } from "./setup.ts";
import { at, deckCapacity, SushiState } from "./state.ts";

const magic = [0x53, 0x47, 0x50, 1]; // "SGP", version 1
const headerBytes = magic.length + 2;

export function encode(s: SushiState): Uint8Array {
  const { players, menu, rules } = s.setup;
  const setup = new TextEncoder().encode(JSON.stringify({ players, menu, rules }));
  const bytes = new Uint8Array(headerBytes + setup.length + s.bytes.length);
  bytes.set(magic);
  bytes[magic.length] = setup.length & 255;
  bytes[magic.length + 1] = setup.length >> 8;
  bytes.set(setup, headerBytes);
  bytes.set(s.bytes, headerBytes + setup.length);
  return bytes;
}

/** Throws bad-argument for bytes that `encode` did not write. */
export function decode(bytes: Uint8Array): SushiState {
  const refuse = (cause?: unknown) =>
    new DraftwrightError(
      "bad-argument",
      "These bytes are no saved game of this version. Save it again with encode().",
      {
        cause,
      },
    );
  if (bytes.length < headerBytes || magic.some((byte, i) => bytes[i] !== byte)) throw refuse();
  const start = headerBytes + bytes[magic.length] + (bytes[magic.length + 1] << 8);
  let setup: Setup;
  try {
    const text = new TextDecoder("utf8", { fatal: true }).decode(bytes.subarray(headerBytes, start));
    const { players, menu, rules } = JSON.parse(text) as { players: number; menu: TileName[]; rules: object };
    setup = makeSetup({ players, menu, rules });
  } catch (cause) {
    throw refuse(cause);
  }
  const s = new SushiState(setup);
  if (bytes.length !== start + s.bytes.length) throw refuse();
  s.bytes.set(bytes.subarray(start));
  const { scalars } = s;
  if (scalars[at.round] > 2 || scalars[at.turn] > setup.handSize || scalars[at.deckSize] > deckCapacity) throw refuse();
  return s;
}
