import type { Context } from "hono";
import type { z } from "zod";
import { ApiError } from "./api-error.ts";

/** Nested deeper than this no honest request is; recursive code behind it must not run out of stack. */
const deepest = 64;

/** Reads, parses and checks the body. Throws `ApiError` 400, 413 or 415. */
export async function jsonBody<T>(c: Context, schema: z.ZodType<T>, maxBytes: number): Promise<T> {
  const type = c.req.header("content-type");
  if (type !== undefined && !/^application\/([\w.+-]+\+)?json\b/i.test(type)) {
    throw new ApiError(415, `The body is ${type}; send application/json.`, { code: "unsupported_media_type" });
  }
  const text = await bodyText(c, maxBytes);
  if (depthOf(text) > deepest) {
    throw new ApiError(400, `The body is nested deeper than ${deepest} levels.`, { code: "invalid_json" });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, `The body is not JSON: ${(error as Error).message}.`, { code: "invalid_json" });
  }
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const { path, message } = deepestIssue(error.issues[0]);
  const param = paramName(path);
  throw new ApiError(400, param === "" ? message : `Invalid '${param}': ${message}`, {
    code: "invalid_value",
    param: param || undefined,
  });
}

async function bodyText(c: Context, maxBytes: number): Promise<string> {
  const tooLarge = () =>
    new ApiError(413, `The body is larger than ${maxBytes} bytes, the limit of this server.`, {
      code: "request_too_large",
      // The rest of the body is not read, so the connection cannot serve another request.
      headers: { connection: "close" },
    });
  if (Number(c.req.header("content-length") ?? 0) > maxBytes) throw tooLarge();
  const stream = c.req.raw.body;
  if (stream === null) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  try {
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge();
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError && !c.req.raw.signal.aborted) {
      throw new ApiError(400, "The body is not UTF-8.", { code: "invalid_json" });
    }
    throw error;
  }
}

/** Deepest nesting of brackets outside strings. */
function depthOf(json: string): number {
  let depth = 0;
  let most = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const unit = json.charCodeAt(i);
    if (inString) {
      if (unit === 0x5c) i++;
      else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) inString = true;
    else if (unit === 0x7b || unit === 0x5b) most = Math.max(most, ++depth);
    else if (unit === 0x7d || unit === 0x5d) depth--;
  }
  return most;
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Of a union without a message of its own, the complaint of the branch that understood most: it names the field. */
function deepestIssue(issue: z.core.$ZodIssue, before: readonly PropertyKey[] = []): Issue {
  const path = [...before, ...issue.path];
  if (issue.code === "invalid_union" && issue.message === "Invalid input") {
    const inner = issue.errors
      .filter((issues) => issues.length > 0)
      .map((issues) => deepestIssue(issues[0], path))
      .sort((a, b) => b.path.length - a.path.length)[0];
    if (inner !== undefined && inner.path.length > path.length) return inner;
  }
  return { path, message: issue.message };
}

function paramName(path: readonly PropertyKey[]): string {
  return path
    .map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`))
    .join("");
}
