import { createStore } from "../parts/store.ts";

const keyName = "draftwright.key";

/** The API key lives as long as the tab. `needed`: the server refused the last request without, or with, it. */
export const access = createStore({ key: sessionStorage.getItem(keyName) ?? "", needed: false });

export function useKey(key: string): void {
  sessionStorage.setItem(keyName, key);
  access.set({ key, needed: false });
}

/** What the server refused, in its words. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Fetches a path; a body is posted as JSON. Throws `Refused`, or an Error when the server cannot be reached. */
export async function ask(path: string, body?: object, signal?: AbortSignal): Promise<Response> {
  const { key } = access.get();
  const response = await fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(key !== "" && { authorization: `Bearer ${key}` }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
  }).catch((error: Error) => {
    if (error.name === "AbortError") throw error;
    throw new Error("The server cannot be reached. Is `draftwright serve` still running?");
  });
  if (response.ok) return response;
  if (response.status === 401) access.set({ needed: true });
  const text = await response.text();
  throw new Refused(response.status, messageOf(text) ?? `The server answered ${response.status}.`);
}

export async function askJson<T>(path: string, body?: object, signal?: AbortSignal): Promise<T> {
  return (await ask(path, body, signal)).json() as Promise<T>;
}

export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** The server-sent events of a response. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += decoder.decode(value, { stream: true });
    const events = rest.split("\n\n");
    rest = events.pop() as string;
    for (const event of events) {
      const lines = event.split("\n");
      const field = (name: string) =>
        lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
      const data = field("data").join("\n");
      if (data !== "") yield { name: field("event")[0] ?? "message", data };
    }
  }
}

/** Work that reports as it goes. Throws `Refused` for its `error` event. */
export async function follow<P, R>(
  path: string,
  body: object,
  onProgress: (progress: P) => void,
  signal: AbortSignal,
): Promise<R> {
  for await (const { name, data } of eventsOf(await ask(path, body, signal))) {
    if (name === "progress") onProgress(JSON.parse(data) as P);
    if (name === "done") return JSON.parse(data) as R;
    if (name === "error") throw new Refused(500, messageOf(data) ?? data);
  }
  throw new Error("The connection ended before the work was done.");
}

/** An error in words; undefined for what the user stopped. */
export function inWords(error: unknown): string | undefined {
  if ((error as Error)?.name === "AbortError") return undefined;
  return error instanceof Error ? error.message : String(error);
}

export function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message;
  } catch {
    return undefined;
  }
}
