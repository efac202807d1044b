import { type DraftChoice, loadModel, type Model } from "../engine/index.ts";
import { DraftwrightError } from "../errors.ts";

export interface ServerLimits {
  /** Bytes of a request's body. Default 8 MiB. */
  readonly bodyBytes: number;
  /** Tokens that one generation may ask for. Default: what the context holds. */
  readonly maxTokens: number;
  /** Choices of one request (`n`, prompts times `n`). Default 16. */
  readonly choices: number;
  /** Texts of one embeddings request. Default 2,048. */
  readonly embeddingInputs: number;
  /** Bytes of responses that are kept in memory for requests that name them; 0: none. Default 32 MiB. */
  readonly storedBytes: number;
  /** Seconds a request may take, waiting included. Default 600. */
  readonly requestSeconds: number;
  /** Seconds a client of a stream may take nothing. Default 60. */
  readonly stallSeconds: number;
  /** Seconds for the headers, and then for the body, of a request to arrive. Default 15. */
  readonly receiveSeconds: number;
  /** Open connections. Default 1,024. */
  readonly connections: number;
}

export interface LogOptions {
  /** Default `info`. */
  readonly level?: "debug" | "info" | "warn" | "error" | "silent";
  /** Log prompts and outputs too. Default false. */
  readonly texts?: boolean;
  /** Where lines go; default standard error. */
  readonly write?: (line: string) => void;
}

export interface ServerOptions {
  /** The server uses it and does not dispose of it. */
  readonly model: Model;
  /** Its id beside `default`; default: the name in the file, or the file's. */
  readonly modelId?: string;
  /** More models by their ids; each is loaded when it is first asked for, and disposed of when it is idle. */
  readonly others?: Readonly<Record<string, () => Promise<Model>>>;
  /** Seconds without requests after which one of the others is disposed of. Default 300. */
  readonly idleSeconds?: number;
  /**
   * How Studio's model manager loads a model of the store, with models that draft for it (undefined: the usual ones).
   * Default: `loadModel` with its defaults.
   */
  readonly load?: (model: string, draftModels: readonly string[] | undefined) => Promise<Model>;
  /** The page at `/` and its endpoints below `/studio/`. Default true. */
  readonly studio?: boolean;
  /** Default 127.0.0.1: this machine only. */
  readonly host?: string;
  /** Default 8080; 0 takes a free one. */
  readonly port?: number;
  /** Without keys everybody who reaches the port may ask. */
  readonly apiKeys?: readonly string[];
  /** For requests that do not say. Default `auto`. */
  readonly draft?: DraftChoice;
  /** Generations that run at once. Default 4. */
  readonly parallel?: number;
  /** Generations that may wait beside them; more get 429. Default 8 times `parallel`. */
  readonly queue?: number;
  /** Origins of web pages that may ask, or `*`. Default: none. */
  readonly cors?: readonly string[];
  readonly limits?: Partial<ServerLimits>;
  readonly log?: LogOptions;
}

/** A timer of more milliseconds than 31 bits hold would ring at once. */
const longestSeconds = 2_000_000;

const defaultLimits: ServerLimits = {
  bodyBytes: 8 * 2 ** 20,
  maxTokens: Number.MAX_SAFE_INTEGER,
  choices: 16,
  embeddingInputs: 2048,
  storedBytes: 32 * 2 ** 20,
  requestSeconds: 600,
  stallSeconds: 60,
  receiveSeconds: 15,
  connections: 1024,
};

export type Settings = Required<Omit<ServerOptions, "limits" | "modelId">> &
  Pick<ServerOptions, "modelId"> & { readonly limits: ServerLimits };

/** Fills in defaults. Throws `bad-argument`. */
export function settingsOf(options: ServerOptions): Settings {
  const { parallel = 4 } = options;
  const settings = {
    host: "127.0.0.1",
    port: 8080,
    apiKeys: [],
    draft: "auto",
    queue: 8 * parallel,
    cors: [],
    others: {},
    idleSeconds: 300,
    studio: true,
    load: (model, draftModels) => loadModel({ model, draftModels }),
    log: {},
    ...defined(options),
    parallel,
    limits: { ...defaultLimits, ...defined(options.limits ?? {}) },
  } satisfies Settings;
  requireInteger("parallel", settings.parallel, 1);
  requireInteger("queue", settings.queue, 0);
  requireInteger("idleSeconds", settings.idleSeconds, 0, longestSeconds);
  requireInteger("port", settings.port, 0, 65_535);
  for (const [name, value] of Object.entries(settings.limits)) {
    requireInteger(
      `limits.${name}`,
      value,
      name === "storedBytes" ? 0 : 1,
      name.endsWith("Seconds") ? longestSeconds : undefined,
    );
  }
  return settings;
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function requireInteger(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `>= ${least}` : `from ${least} to ${most}`;
  throw new DraftwrightError("bad-argument", `${name} is ${value}; it must be an integer ${range}.`);
}
