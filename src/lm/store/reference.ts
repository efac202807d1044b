import { DraftwrightError } from "../../errors.ts";

/** A model as users write it: `org/name`, `org/name:Q4_0`, `org/name:folder/file.gguf`, each with `@revision`. */
export interface ModelReference {
  /** `org/name`. */
  readonly repo: string;
  /** A quantisation name, a file name or a path inside the repository. */
  readonly file?: string;
  /** Branch, tag or commit; absent means main. */
  readonly revision?: string;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*\/[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** True for text that can only be a hub reference: `org/name` with nothing that leads out of the cache folder. */
export function looksLikeReference(text: string): boolean {
  const repo = text.split(/[:@]/, 1)[0];
  return NAME.test(repo) && !/\.gguf$/i.test(repo); // folder/file.gguf is a path
}

/** Parses and checks a reference. Throws "bad-argument", also for names that would leave the cache (`../x`). */
export function parseReference(text: string): ModelReference {
  const at = text.lastIndexOf("@");
  const revision = at < 0 ? undefined : text.slice(at + 1);
  const rest = at < 0 ? text : text.slice(0, at);
  const colon = rest.indexOf(":");
  const repo = colon < 0 ? rest : rest.slice(0, colon);
  const file = colon < 0 ? undefined : rest.slice(colon + 1);
  // The hub itself forbids -- and .. in names; -- would also make folder names ambiguous.
  if (!NAME.test(repo) || /--|\.\./.test(repo)) {
    throw new DraftwrightError(
      "bad-argument",
      `"${text}" is not a model on the hub; write org/name, org/name:Q4_0 or org/name:file.gguf, with @revision if needed.`,
    );
  }
  if (file !== undefined) checkRelativePath(file, "file");
  if (revision !== undefined) checkRelativePath(revision, "revision");
  return { repo, file, revision };
}

/** Refuses paths that are absolute, empty or climb: they come from users and from servers. Throws "bad-argument". */
export function checkRelativePath(path: string, what: string): void {
  const parts = path.split("/");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (parts.some((part) => part === "" || part === "." || part === "..") || /[\\:\x00-\x1f]/.test(path)) {
    throw new DraftwrightError("bad-argument", `The ${what} "${path}" is not a plain relative path.`);
  }
}
