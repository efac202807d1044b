// A trained head as a GGUF file: its settings, the target it belongs to, its parameters.
import { DraftwrightError } from "../../errors.ts";
import { type GgufTensor, type MetadataValue, openGguf, writeGguf } from "../../ggml/gguf/index.ts";
import { type TensorType, Type } from "../../ggml/index.ts";
import { metadataOf } from "../../lm/training/index.ts";
import { loadParameters, type Parameters, saveParameters } from "../../nn/index.ts";
import { amphistaHead } from "./amphista.ts";
import { eagleHead } from "./eagle.ts";
import type { Head, HeadKind, HeadSettings } from "./head.ts";
import { medusaHead } from "./medusa.ts";
import type { TargetParts } from "./target-parts.ts";

const SETTINGS = "draftwright.head.settings";
const TOKENS = "draftwright.head.tokens";
const TARGET = "draftwright.head.target";

const makers = { medusa: medusaHead, amphista: amphistaHead, eagle: eagleHead, falcon: eagleHead };
export const headKinds = Object.keys(makers) as HeadKind[];

/** A fresh head; `parameters` must be empty. */
export function makeHead(parameters: Parameters, settings: HeadSettings): Head {
  return makers[settings.kind](parameters, settings);
}

export interface SaveHeadOptions {
  /** Of its matrices; default F32. */
  readonly type?: TensorType;
  readonly rankShares?: HeadSettings["rankShares"];
}

export function saveHead(path: string, head: Head, targetHash: string, options: SaveHeadOptions = {}): void {
  const { type = Type.F32, rankShares = head.settings.rankShares } = options;
  const { tokens, ...rest } = head.settings;
  const settings = { ...rest, rankShares };
  const metadata = new Map<string, MetadataValue>([
    ["general.type", { type: "string", value: "draftwright-head" }],
    [SETTINGS, { type: "string", value: JSON.stringify(settings) }],
    [TARGET, { type: "string", value: targetHash }],
  ]);
  if (tokens) metadata.set(TOKENS, { type: "array", element: "int32", value: Int32Array.from(tokens) });
  saveParameters(path, head.parameters, metadata, type);
}

/** Writes a head's file anew with other shares of ranks; all else stays as it is. */
export function writeRankShares(path: string, rankShares: NonNullable<HeadSettings["rankShares"]>): void {
  using gguf = openGguf(path);
  const { tokens: _, ...settings } = readHeadSettings(path).settings;
  const metadata = metadataOf(gguf);
  metadata.set(SETTINGS, { type: "string", value: JSON.stringify({ ...settings, rankShares }) });
  const read = (tensor: GgufTensor) => {
    const bytes = new Uint8Array(tensor.bytes);
    gguf.readInto(tensor, bytes);
    return bytes;
  };
  const tensors = [...gguf.tensors.values()].map((tensor) => ({ ...tensor, data: () => read(tensor) }));
  writeGguf(path, metadata, tensors);
}

interface FoundHead {
  readonly settings: HeadSettings;
  /** Hash of its target. */
  readonly target: string;
}

/** What a file of `saveHead` is. Throws `bad-model` for other files. */
export function readHeadSettings(path: string): FoundHead {
  using gguf = openGguf(path);
  const settings = gguf.metadata.string(SETTINGS);
  const target = gguf.metadata.string(TARGET);
  if (settings === undefined || target === undefined) {
    throw new DraftwrightError(
      "bad-model",
      `${path} is no drafting head; make one with \`draftwright train amphista\``,
    );
  }
  const tokens = gguf.metadata.numbers(TOKENS, ["int32"]) as Int32Array | undefined;
  return { settings: { ...(JSON.parse(settings) as HeadSettings), tokens: tokens && [...tokens] }, target };
}

/** Reads a head for a target. Throws `bad-model` when it was trained for another one. */
export function loadHead(path: string, parameters: Parameters, target: TargetParts): Head {
  const found = readHeadSettings(path);
  if (found.target !== target.hash || found.settings.hiddenSize !== target.hiddenSize) {
    throw otherTarget(path, found, target.hash);
  }
  if (String(found.settings.tokens) !== String(target.draftTokens)) {
    throw new DraftwrightError("bad-model", `${path} drafts other tokens than the target's parts were read for`);
  }
  const head = makeHead(parameters, found.settings);
  loadParameters(path, parameters);
  return head;
}

/** The tokens a head drafts, as `readTargetParts` takes them. Throws `bad-model` when it is not for this target. */
export function draftTokensOf(path: string, targetHash: string): Int32Array | undefined {
  const found = readHeadSettings(path);
  if (found.target !== targetHash) throw otherTarget(path, found, targetHash);
  const { tokens } = found.settings;
  return tokens && Int32Array.from(tokens);
}

function otherTarget(path: string, { settings: { kind }, target }: FoundHead, hash: string): DraftwrightError {
  const short = (text: string) => text.slice(0, 12);
  return new DraftwrightError(
    "bad-model",
    `${path} drafts for the target with hash ${short(target)}, this one has ${short(hash)}. Use its own target, or train ` +
      `one for this model: \`draftwright train data\`, then \`draftwright train ${kind}\`.`,
  );
}
