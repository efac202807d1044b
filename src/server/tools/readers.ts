// One reader for each way in which chat templates teach models to call tools.
import { toolCalls } from "./calls.ts";
import { type OutputPart, type OutputReader, plainReader } from "./output-reader.ts";

/**
 * `tagged`: `<tool_call>{..}</tool_call>` (Hermes, Qwen). `listed`: `[TOOL_CALLS][{..}, ..]` (Mistral). `bare`: the whole
 * answer is JSON (Llama 3.1, and answers that a constraint forces to be a call).
 */
export type ToolFormat = "tagged" | "listed" | "bare";

export function toolReader(format: ToolFormat, names: readonly string[]): OutputReader {
  const known = new Set(names);
  if (known.size === 0) return plainReader();
  return format === "tagged" ? taggedReader(known) : wholeReader(known, format === "bare" ? bareMarkers : listMarkers);
}

const opening = "<tool_call>";
const closing = "</tool_call>";

/** Text streams through; what stands between the tags becomes calls, or stays text when it is none. */
function taggedReader(names: ReadonlySet<string>): OutputReader {
  let held = "";
  let inside = false;
  const text = (piece: string): OutputPart[] => (piece === "" ? [] : [{ type: "text", text: piece }]);

  const advance = (isEnd: boolean): OutputPart[] => {
    const parts: OutputPart[] = [];
    for (;;) {
      if (inside) {
        const at = held.indexOf(closing);
        if (at < 0 && !isEnd) return parts;
        // Models that stop right after the JSON leave the closing tag out.
        const body = at < 0 ? held : held.slice(0, at);
        held = at < 0 ? "" : held.slice(at + closing.length);
        parts.push(...(toolCalls(body, names) ?? text(`${opening}${body}${at < 0 ? "" : closing}`)));
        inside = false;
      } else {
        const at = held.indexOf(opening);
        if (at < 0) {
          const keep = isEnd ? 0 : heldBack(held);
          parts.push(...text(held.slice(0, held.length - keep)));
          held = held.slice(held.length - keep);
          return parts;
        }
        parts.push(...text(held.slice(0, at).trimEnd()));
        held = held.slice(at + opening.length);
        inside = true;
      }
    }
  };
  return {
    push(piece) {
      held += piece;
      return advance(false);
    },
    end: () => advance(true),
  };
}

/** Length of the end that may belong to an opening tag: white space before it, or its beginning. */
function heldBack(text: string): number {
  for (let length = Math.min(opening.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(opening.slice(0, length))) return length + trailingSpace(text.slice(0, text.length - length));
  }
  return trailingSpace(text);
}

function trailingSpace(text: string): number {
  return text.length - text.trimEnd().length;
}

interface Markers {
  /** How an answer begins that calls tools. The first is what the model writes; control tokens have no text, so it may be missing. */
  readonly openings: readonly string[];
  /** The JSON of an answer that begins with one of them. */
  readonly body: (text: string) => string;
}

const bareMarkers: Markers = {
  openings: ["<|python_tag|>", "{", "[{"],
  body: (text) => text.replace(/^<\|python_tag\|>/, ""),
};

const listMarkers: Markers = {
  openings: ["[TOOL_CALLS]", "[{"],
  // Newer templates write the name before the arguments: [TOOL_CALLS]name[ARGS]{..}
  body: (text) =>
    text
      .replace(/^\[TOOL_CALLS\]\s*(?=[[{])/, "")
      .replace(
        /\[TOOL_CALLS\]\s*([\w.-]+)\s*(?:\[CALL_ID\][\w-]*\s*)?(?:\[ARGS\])?\s*(\{.*?\})\s*(?=\[TOOL_CALLS\]|$)/gs,
        '{"name":"$1","arguments":$2}',
      ),
};

/** Decides at the first letters: an answer that begins like a call is held until its end, any other streams. */
function wholeReader(names: ReadonlySet<string>, { openings, body }: Markers): OutputReader {
  let held: string | undefined = "";
  return {
    push(piece) {
      if (held === undefined) return plainReader().push(piece);
      held += piece;
      const seen = held.trimStart();
      if (openings.some((start) => seen.startsWith(start) || start.startsWith(seen))) return [];
      const text = held;
      held = undefined;
      return plainReader().push(text);
    },
    end() {
      if (held === undefined) return [];
      return toolCalls(body(held.trim()), names) ?? plainReader().push(held);
    },
  };
}
