import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { DraftwrightError } from "../../errors.ts";

export interface StoreSettings {
  /** Root of the hub cache: holds the `models--org--name` folders. */
  readonly cacheDir: string;
  /** Address of the hub, without a trailing slash. */
  readonly endpoint: string;
  /** A function, so that no log of the settings can show the token. */
  readonly token: () => string | undefined;
  readonly offline: boolean;
  /** Folders of the user's own GGUF files. */
  readonly modelDirs: readonly string[];
  /** Folder of the weights that ship with the package, if the caller has any. */
  readonly embeddedDir?: string;
}

/**
 * Settings from the environment, with Hugging Face's own variables and precedence: HF_HUB_CACHE, HF_HOME,
 * XDG_CACHE_HOME; HF_ENDPOINT; HF_TOKEN, HF_TOKEN_PATH, <HF_HOME>/token; HF_HUB_OFFLINE. DRAFTWRIGHT_MODELS lists the
 * user's folders, separated like PATH. Throws "bad-argument" for an address that is not http(s).
 */
export function storeSettings(
  overrides: Partial<StoreSettings> = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): StoreSettings {
  const cacheHome = env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const home = env.HF_HOME || join(cacheHome, "huggingface");
  const endpoint = env.HF_ENDPOINT || "https://huggingface.co";
  const settings: StoreSettings = {
    cacheDir: env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, "hub"),
    endpoint,
    token: () => env.HF_TOKEN?.trim() || readToken(env.HF_TOKEN_PATH || join(home, "token")),
    offline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ""),
    modelDirs: (env.DRAFTWRIGHT_MODELS ?? "").split(delimiter).filter(Boolean),
    ...overrides,
  };
  if (!/^https?:\/\/[^/]/.test(settings.endpoint)) {
    throw new DraftwrightError(
      "bad-argument",
      `The hub address "${settings.endpoint}" is not a web address; set HF_ENDPOINT to one such as https://huggingface.co.`,
    );
  }
  return {
    ...settings,
    cacheDir: resolve(settings.cacheDir),
    endpoint: settings.endpoint.replace(/\/+$/, ""),
    modelDirs: settings.modelDirs.map((dir) => resolve(dir)),
  };
}

function readToken(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
