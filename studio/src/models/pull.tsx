import { useId, useRef, useState } from "preact/hooks";
import { follow, inWords } from "../api/client.ts";
import { refreshModels } from "../api/models.ts";
import { bytes, percent } from "../parts/format.ts";

interface Progress {
  readonly file: string;
  readonly receivedBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
}

/** Downloads by the server, with progress; what was stopped is resumed by the next try. */
export function Pull() {
  const id = useId();
  const [reference, setReference] = useState("");
  const [progress, setProgress] = useState<Progress>();
  const [said, say] = useState<{ readonly text: string; readonly bad?: boolean }>();
  const controller = useRef<AbortController | undefined>(undefined);
  const pulling = controller.current !== undefined;
  const pull = async () => {
    controller.current = new AbortController();
    say({ text: `Looking for ${reference}..` });
    try {
      const { name } = await follow<Progress, { name: string }>(
        "/studio/api/models/pull",
        { reference },
        (latest) => {
          setProgress(latest);
          say(undefined);
        },
        controller.current.signal,
      );
      say({ text: `${name} is here.` });
      setReference("");
    } catch (error) {
      const problem = inWords(error);
      say(problem === undefined ? { text: "Stopped; pull again to go on." } : { text: problem, bad: true });
    }
    controller.current = undefined;
    setProgress(undefined);
    await refreshModels();
  };
  const share = progress && progress.totalBytes > 0 ? progress.receivedBytes / progress.totalBytes : undefined;
  return (
    <form
      class="card pull"
      onSubmit={(event) => {
        event.preventDefault();
        if (pulling) controller.current?.abort();
        else if (reference.trim() !== "") void pull();
      }}
    >
      <div class="field grow">
        <label for={id}>Repository on the hub</label>
        <input
          id={id}
          type="text"
          spellcheck={false}
          autocomplete="off"
          placeholder="org/name, or org/name:Q8_0"
          value={reference}
          disabled={pulling}
          onInput={(event) => setReference(event.currentTarget.value)}
        />
      </div>
      <button type="submit" class={pulling ? "stop" : "primary"} disabled={!pulling && reference.trim() === ""}>
        {pulling ? "Stop" : "Pull"}
      </button>
      {progress && (
        <div class="progress">
          <progress aria-label={`Pulling ${progress.file}`} value={share} max={1} />
          <p class="hint">
            {progress.file}: {percent(share ?? 0)}, {bytes(progress.receivedBytes)} of {bytes(progress.totalBytes)},{" "}
            {bytes(Math.round(progress.bytesPerSecond))}/s
          </p>
        </div>
      )}
      <p class={said?.bad ? "problem" : "said-line"} role="status">
        {said?.text}
      </p>
    </form>
  );
}
