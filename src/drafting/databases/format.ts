// Drafting databases as bytes: a header of 72 bytes, a description, and the arrays, little-endian, each aligned to 4.
//   0 magic "DRAFTDB\n"   8 version   12 kind   16 vocabulary   20 bytes of a token (2 or 4)
//   24 tokens or n-grams   28 documents or tokens of an n-gram   32 bytes of the description
//   36 CRC-32 of all other bytes   40 SHA-256 of the vocabulary
// statistics: tokens, then suffixes (u32). model: n-grams, then counts (u32).
import { crc32 } from "node:zlib";
import { DraftwrightError } from "../../errors.ts";
import { ModelDatabase } from "./model.ts";
import { StatisticsDatabase } from "./statistics.ts";

export type Database = ModelDatabase | StatisticsDatabase;

/** What a database file holds. */
export interface StoredDatabase {
  readonly database: Database;
  /** `Tokenizer.hash` of the vocabulary that the token ids belong to: 64 hexadecimal digits. */
  readonly tokenizerHash: string;
  /** What it was built from, in words. */
  readonly description: string;
}

const magic = "DRAFTDB\n";
const version = 1;
const kinds = ["model", "statistics"] as const;
const headerBytes = 72;
const crcAt = 36;
/** Far above any vocabulary: a wrong header must not ask for gigabytes. */
const maxVocabSize = 2 ** 24;

const aligned = (bytes: number) => Math.ceil(bytes / 4) * 4;

export function encodeDatabase({ database, tokenizerHash, description }: StoredDatabase): Uint8Array {
  const [tokens, numbers, length, second] =
    database.kind === "model"
      ? [database.rows, database.counts, database.size, database.order]
      : [database.tokens, database.suffixes, database.size, database.documents];
  // The end mark of a statistics database is one more id than the vocabulary has.
  const tokenBytes = database.vocabSize < 0x10000 ? 2 : 4;
  const text = new TextEncoder().encode(description);
  const tokensAt = headerBytes + aligned(text.length);
  const numbersAt = tokensAt + aligned(tokens.length * tokenBytes);
  const bytes = new Uint8Array(numbersAt + numbers.length * 4);
  const header = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(magic));
  [version, kinds.indexOf(database.kind), database.vocabSize, tokenBytes, length, second, text.length].forEach(
    (value, i) => {
      header.setUint32(8 + 4 * i, value, true);
    },
  );
  bytes.set(Buffer.from(tokenizerHash, "hex"), 40);
  bytes.set(text, headerBytes);
  const stored = tokenBytes === 2 ? Uint16Array : Int32Array;
  new stored(bytes.buffer, tokensAt, tokens.length).set(tokens);
  new Int32Array(bytes.buffer, numbersAt).set(numbers);
  header.setUint32(crcAt, checksum(bytes), true);
  return bytes;
}

/**
 * Reads what `encodeDatabase` wrote. `bytes` belongs to the database afterwards. Throws "bad-database", naming `file`, for
 * anything else: other files, cut or changed ones, other versions, token ids that the vocabulary does not have.
 */
export function decodeDatabase(bytes: Uint8Array, file: string): StoredDatabase {
  const refuse = (why: string, cause?: unknown): never => {
    throw new DraftwrightError(
      "bad-database",
      `${file} is not a drafting database that can be used: ${why}. Build it again with \`draftwright db build\`.`,
      { cause },
    );
  };
  if (bytes.length < headerBytes || Buffer.from(bytes.subarray(0, 8)).toString("latin1") !== magic) {
    refuse("it does not begin like one");
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [stored, kindId, vocabSize, tokenBytes, length, second, textBytes, crc] = Array.from({ length: 8 }, (_, i) =>
    header.getUint32(8 + 4 * i, true),
  );
  if (stored !== version) refuse(`it has version ${stored} of the format, this program reads version ${version}`);
  if (kindId >= kinds.length) refuse(`its kind is ${kindId}`);
  if (tokenBytes !== 2 && tokenBytes !== 4) refuse(`its tokens have ${tokenBytes} bytes`);
  if (vocabSize < 1 || vocabSize > maxVocabSize) refuse(`its vocabulary has ${vocabSize} tokens`);
  const isModel = kinds[kindId] === "model";
  const tokensAt = headerBytes + aligned(textBytes);
  const tokenCount = isModel ? length * second : length;
  const numbersAt = tokensAt + aligned(tokenCount * tokenBytes);
  const expected = numbersAt + length * 4;
  if (bytes.length !== expected) refuse(`it has ${bytes.length} bytes and its header speaks of ${expected}`);
  if (checksum(bytes) !== crc) refuse("its checksum is wrong, so some of it was changed");
  const whole = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const at = (offset: number) => whole.byteOffset + offset;
  const tokens =
    tokenBytes === 2
      ? Int32Array.from(new Uint16Array(whole.buffer, at(tokensAt), tokenCount))
      : new Int32Array(whole.buffer, at(tokensAt), tokenCount);
  const numbers = new Int32Array(whole.buffer, at(numbersAt), length);
  try {
    const database = isModel
      ? new ModelDatabase(vocabSize, second, tokens, numbers)
      : new StatisticsDatabase(vocabSize, tokens, numbers);
    const tokenizerHash = Buffer.from(bytes.subarray(40, headerBytes)).toString("hex");
    const description = new TextDecoder().decode(bytes.subarray(headerBytes, headerBytes + textBytes));
    return { database, tokenizerHash, description };
  } catch (cause) {
    return refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(crcAt + 4), crc32(bytes.subarray(0, crcAt)));
}
