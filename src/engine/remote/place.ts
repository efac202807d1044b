import { DraftwrightError } from "../../errors.ts";

/** A model on another server. */
export interface RemotePlace {
  /** Such as `http://host:8000/v1`, without a slash at its end. */
  readonly base: string;
  /** Its id there; undefined: the first that the server lists. */
  readonly model: string | undefined;
}

const scheme = "openai:";

export function isRemote(model: string | undefined): model is string {
  return model?.startsWith(scheme) === true;
}

/** Reads `openai:http://host:8000/v1`, or with `#model-id`. Throws `bad-argument`. */
export function readPlace(name: string): RemotePlace {
  let url: URL;
  try {
    url = new URL(name.slice(scheme.length));
  } catch (cause) {
    throw new DraftwrightError(
      "bad-argument",
      `${name} names no server: write openai:http://host:8000/v1, with #model-id where it serves several.`,
      { cause },
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new DraftwrightError("bad-argument", `${name}: the server's address must begin with http:// or https://.`);
  }
  const model = decodeURIComponent(url.hash.slice(1)) || undefined;
  url.hash = "";
  return { base: url.href.replace(/\/+$/, ""), model };
}
