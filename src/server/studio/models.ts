// The model manager: what is served, what lies in the store, and the way from one to the other.
import { basename } from "node:path";
import type { Context } from "hono";
import { z } from "zod";
import { modelStore } from "../../engine/index.ts";
import { DraftwrightError } from "../../errors.ts";
import { type ModelHeader, pairModels, readHeader } from "../../lm/pairing/index.ts";
import { type ListedModel, listModels, pullModel } from "../../lm/store/index.ts";
import { ApiError } from "../http/api-error.ts";
import { jsonBody } from "../http/json-body.ts";
import type { ServedModel } from "../models.ts";
import type { Service } from "../service.ts";
import { explained, progressResponse } from "./progress.ts";

const loadSchema = z.object({ model: z.string(), draftModels: z.array(z.string()).max(4).nullish() });
const unloadSchema = z.object({ model: z.string() });
const pullSchema = z.object({ reference: z.string().min(1).max(500) });

/** GET /studio/api/models */
export async function listStudioModels(c: Context, { models, settings }: Service): Promise<Response> {
  const store = modelStore();
  const local = await listModels(store);
  const nameOf = new Map(local.map(({ path, name }) => [path, name]));
  return c.json({
    served: models.entries().map((entry) => describeServed(entry, nameOf)),
    local: local.map((model) => {
      const { path: _, ...shown } = model;
      return { ...shown, refusal: refusalOf(model) };
    }),
    canPull: !store.offline,
    defaultDraft: settings.draft,
  });
}

/** POST /studio/api/models/load: a model of the store, perhaps with models that draft for it. */
export async function loadStudioModel(c: Context, { models, settings }: Service): Promise<Response> {
  const { model, draftModels } = await jsonBody(c, loadSchema, settings.limits.bodyBytes);
  const local = await listModels(modelStore());
  for (const name of [model, ...(draftModels ?? [])]) listed(local, name);
  const id = [model, ...(draftModels ?? [])].map(idOf).join("+");
  const served = models.entries().find((entry) => entry.id === id);
  if (!served) await models.add(id, () => settings.load(model, draftModels ?? undefined));
  try {
    (await models.use(id)).release();
  } catch (error) {
    if (!served) models.forget(id);
    throw explained(error);
  }
  return c.json({ id });
}

/** POST /studio/api/models/unload */
export async function unloadStudioModel(c: Context, { models, settings }: Service): Promise<Response> {
  const { model } = await jsonBody(c, unloadSchema, settings.limits.bodyBytes);
  await models.unload(model);
  return c.json({ id: model });
}

/** POST /studio/api/models/pull: events with the bytes that have arrived. */
export async function pullStudioModel(c: Context, service: Service): Promise<Response> {
  const { reference } = await jsonBody(c, pullSchema, service.settings.limits.bodyBytes);
  return progressResponse(service, async (onProgress, signal) => {
    const { name, bytes } = await pullModel(reference, modelStore(), { onProgress, signal });
    return { name, bytes };
  });
}

/** GET /studio/api/pairs?target=NAME: which models of the store can draft for it, and why not. */
export async function pairsOf(c: Context): Promise<Response> {
  const local = await listModels(modelStore());
  const target = listed(local, c.req.query("target") ?? "");
  const header = readable(target);
  if (!header) throw new ApiError(400, `'${target.name}' is no GGUF model that can be read.`, { param: "target" });
  const drafters = local
    .filter(({ path }) => path !== target.path)
    .flatMap((model) => {
      const theirs = readable(model);
      return theirs ? [{ name: model.name, bytes: model.bytes, ...pairModels(header, theirs) }] : [];
    })
    .sort((a, b) => order.indexOf(a.fit) - order.indexOf(b.fit) || a.sizeRatio - b.sizeRatio);
  return c.json({ target: target.name, drafters });
}

/** GET /studio/api/curve?model=ID: milliseconds of forwards by width and committed rows. */
export async function costCurve(c: Context, { models }: Service): Promise<Response> {
  const lease = await models.use(c.req.query("model"));
  try {
    return c.json({ model: lease.id, ...(await lease.model.costCurve()) });
  } finally {
    lease.release();
  }
}

const order = ["same-vocabulary", "re-encode", "no"];

function describeServed({ id, isDefault, loading, model, users }: ServedModel, nameOf: ReadonlyMap<string, string>) {
  if (!model) return { id, isDefault, state: loading ? "loading" : "unloaded", users };
  const { path, draftModels, hash: _, chat, ...info } = model.info;
  return {
    id,
    isDefault,
    state: "loaded",
    users,
    // Paths stay here.
    info: {
      ...info,
      file: nameOf.get(path) ?? basename(path),
      draftModels: draftModels.map((draft) => nameOf.get(draft) ?? basename(draft)),
      hasChatTemplate: chat.template !== undefined,
    },
  };
}

/** A model of the store: no other file can be named from outside. */
function listed(local: readonly ListedModel[], name: string): ListedModel {
  const found = local.find((model) => model.name === name);
  if (found) return found;
  throw new ApiError(404, `There is no model '${name}' on this machine. Pull it first.`, { code: "model_not_found" });
}

/** By path and size: headers are read once. */
const refusals = new Map<string, string | undefined>();

/** Why a file cannot be served; undefined = it can. */
function refusalOf(model: ListedModel): string | undefined {
  const key = `${model.path} ${model.bytes}`;
  if (!refusals.has(key)) {
    const header = readable(model);
    refusals.set(
      key,
      header
        ? (header.refusal ?? (header.vocabulary ? undefined : "it has no vocabulary"))
        : "it is no model that can be read",
    );
  }
  return refusals.get(key);
}

function readable({ path }: ListedModel): ModelHeader | undefined {
  try {
    return readHeader(path);
  } catch (error) {
    if (error instanceof DraftwrightError) return undefined;
    throw error;
  }
}

function idOf(name: string): string {
  return basename(name)
    .replace(/^.*:/, "")
    .replace(/\.gguf$/i, "");
}
