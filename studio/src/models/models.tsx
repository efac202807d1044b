import { useEffect, useState } from "preact/hooks";
import { askJson, inWords } from "../api/client.ts";
import { type Local, manager, type Pair, refreshModels, type Served } from "../api/models.ts";
import { Heading } from "../parts/fields.tsx";
import { bytes, count, percent } from "../parts/format.ts";
import { change } from "../playground/session.ts";
import { Pull } from "./pull.tsx";

export function Models() {
  const { served, local, canPull, known } = manager.use();
  const [busy, setBusy] = useState<string>();
  const [said, say] = useState<{ readonly text: string; readonly bad?: boolean }>();
  useEffect(() => void refreshModels(), []);
  const act = async (what: string, path: string, body: object, done: string) => {
    setBusy(what);
    say({ text: `${what}..` });
    try {
      await askJson(path, body);
      say({ text: done });
    } catch (error) {
      say({ text: inWords(error) ?? "Stopped.", bad: true });
    }
    await refreshModels();
    setBusy(undefined);
  };
  const load = (model: string, draftModels?: readonly string[]) =>
    act(
      `Loading ${model}`,
      "/studio/api/models/load",
      { model, draftModels },
      `${model} is loaded${draftModels ? ` with ${draftModels.join(", ")} drafting for it` : ""}.`,
    );
  return (
    <div class="page">
      <Heading title="Models">
        <button type="button" onClick={() => void refreshModels()}>
          Refresh
        </button>
      </Heading>
      <p class={said?.bad ? "problem" : "said-line"} role="status">
        {said?.text}
      </p>
      <section aria-labelledby="served-heading">
        <h2 id="served-heading">Served</h2>
        <ul class="cards">
          {served.map((model) => (
            <ServedCard
              key={model.id}
              model={model}
              busy={busy !== undefined}
              onUnload={() =>
                act(
                  `Unloading ${model.id}`,
                  "/studio/api/models/unload",
                  { model: model.id },
                  `${model.id} is unloaded.`,
                )
              }
            />
          ))}
        </ul>
      </section>
      <section aria-labelledby="local-heading">
        <h2 id="local-heading">On this machine</h2>
        {known && local.length === 0 && <p class="hint">No models yet: pull one below.</p>}
        <ul class="rows">
          {local.map((model) => (
            <LocalRow
              key={model.name}
              model={model}
              isServed={served.some(({ info }) => info?.file === model.name)}
              busy={busy !== undefined}
              onLoad={load}
            />
          ))}
        </ul>
      </section>
      <section aria-labelledby="pull-heading">
        <h2 id="pull-heading">Pull a model</h2>
        {canPull || !known ? (
          <Pull />
        ) : (
          <p class="hint">The server is offline (HF_HUB_OFFLINE): models cannot be pulled.</p>
        )}
      </section>
    </div>
  );
}

function ServedCard(props: { readonly model: Served; readonly busy: boolean; readonly onUnload: () => void }) {
  const { id, isDefault, state, info, users } = props.model;
  return (
    <li class="card model">
      <div class="card-head">
        <h3>{id}</h3>
        {isDefault && <span class="badge">default</span>}
        <span class={`badge ${state}`}>{state}</span>
      </div>
      {info ? (
        <dl class="facts-row">
          <div>
            <dt>architecture</dt>
            <dd>
              {info.architecture}, {info.layerCount} layers of {info.hiddenSize}
            </dd>
          </div>
          <div>
            <dt>context</dt>
            <dd>{count(info.contextLength, "token")}</dd>
          </div>
          <div>
            <dt>runs on</dt>
            <dd>
              {info.device}, {count(info.threads, "thread")}
            </dd>
          </div>
          <div>
            <dt>numerics</dt>
            <dd>{info.numerics}</dd>
          </div>
          <div class="wide">
            <dt>draft models</dt>
            <dd>{info.draftModels.length > 0 ? info.draftModels.join(", ") : "none"}</dd>
          </div>
          <div class="wide">
            <dt>drafters</dt>
            <dd>{info.drafters.join(", ")}</dd>
          </div>
        </dl>
      ) : (
        <p class="hint">It is loaded when a request names it.</p>
      )}
      <div class="actions">
        <button
          type="button"
          onClick={() => {
            change({ model: isDefault ? "default" : id });
            location.hash = "#/playground";
          }}
        >
          Open in playground
        </button>
        {!isDefault && state === "loaded" && (
          <button type="button" disabled={props.busy || users > 0} onClick={props.onUnload}>
            Unload
          </button>
        )}
        {users > 0 && <small>{count(users, "request")} running</small>}
      </div>
    </li>
  );
}

const places = { embedded: "ships with draftwright", folder: "your folder", cache: "Hugging Face cache" };

function LocalRow(props: {
  readonly model: Local;
  readonly isServed: boolean;
  readonly busy: boolean;
  readonly onLoad: (model: string, draftModels?: readonly string[]) => void;
}) {
  const { model, busy, onLoad } = props;
  const [pairs, setPairs] = useState<readonly Pair[] | string>();
  const [open, setOpen] = useState(false);
  const show = async () => {
    setOpen(!open);
    if (open || Array.isArray(pairs)) return;
    try {
      const path = `/studio/api/pairs?target=${encodeURIComponent(model.name)}`;
      setPairs((await askJson<{ drafters: readonly Pair[] }>(path)).drafters);
    } catch (error) {
      setPairs(inWords(error));
    }
  };
  return (
    <li class="card row">
      <div class="row-main">
        <div>
          <h3>
            {model.name} {props.isServed && <span class="badge loaded">served</span>}
          </h3>
          <p class="hint">
            {model.refusal && <>Not served: {model.refusal}. </>}
            {bytes(model.bytes)}, {places[model.source]}
            {model.revision ? `, ${model.revision.slice(0, 10)}` : ""}
          </p>
        </div>
        <div class="actions">
          <button type="button" disabled={model.refusal !== undefined} aria-expanded={open} onClick={() => void show()}>
            Pair
          </button>
          <button type="button" disabled={busy || model.refusal !== undefined} onClick={() => onLoad(model.name)}>
            Load
          </button>
        </div>
      </div>
      {open && (
        <div class="pairs">
          <p class="hint">Models that could draft for {model.name}:</p>
          {typeof pairs === "string" && (
            <p class="problem" role="alert">
              {pairs}
            </p>
          )}
          {Array.isArray(pairs) && pairs.length === 0 && <p>There is no other model on this machine.</p>}
          <ul>
            {Array.isArray(pairs) &&
              pairs.map((pair: Pair) => (
                <li key={pair.name}>
                  <span class={`badge ${pair.fit === "no" ? "" : "loaded"}`}>{fits[pair.fit]}</span>
                  <div>
                    <strong>{pair.name}</strong>
                    <p class="hint">
                      {percent(pair.sizeRatio)} of its size; {pair.reasons.join("; ")}
                    </p>
                  </div>
                  {pair.fit !== "no" && (
                    <button type="button" disabled={busy} onClick={() => onLoad(model.name, [pair.name])}>
                      Load the pair
                      <span class="hidden">
                        {" "}
                        {model.name} with {pair.name}
                      </span>
                    </button>
                  )}
                </li>
              ))}
          </ul>
        </div>
      )}
    </li>
  );
}

const fits = { "same-vocabulary": "fits", "re-encode": "fits, by its text", no: "does not fit" };
