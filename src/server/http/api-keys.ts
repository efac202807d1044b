import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { DraftwrightError } from "../../errors.ts";

/** Keys are kept as hashes: comparing takes the same time whatever was sent, and no log or dump can show a key. */
export class ApiKeys {
  readonly #hashes: readonly Buffer[];

  /** Throws `bad-argument` for a key that no header could carry. */
  constructor(keys: readonly string[]) {
    const odd = keys.findIndex((key) => !/^[\x21-\x7e]{8,}$/.test(key));
    if (odd >= 0) {
      throw new DraftwrightError(
        "bad-argument",
        `API key ${odd + 1} is too short or has odd characters: use 8 or more visible ASCII characters.`,
      );
    }
    this.#hashes = keys.map(digest);
  }

  /** False: everybody may ask. */
  get required(): boolean {
    return this.#hashes.length > 0;
  }

  /** A name for the key that tells nothing about it, or undefined when it is none of ours. */
  identify(key: string | undefined): string | undefined {
    const hash = digest(key ?? "");
    let found = -1;
    for (let i = 0; i < this.#hashes.length; i++) if (timingSafeEqual(hash, this.#hashes[i])) found = i;
    return found < 0 ? undefined : hash.toString("hex").slice(0, 16);
  }
}

/** One key a line; blank lines and lines that begin with # are skipped. Throws `bad-argument`. */
export function readApiKeys(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new DraftwrightError("bad-argument", `Cannot read the API keys: ${(cause as Error).message}.`, { cause });
  }
  const keys = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length === 0) {
    throw new DraftwrightError("bad-argument", `${path} has no API key: write one a line, or leave the file out.`);
  }
  return keys;
}

/** `Authorization: Bearer`, or Anthropic's `x-api-key`. */
export function keyOf(header: (name: string) => string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header("authorization") ?? "")?.[1] ?? header("x-api-key");
}

function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
