import { useEffect, useRef, useState } from "preact/hooks";
import { Choice, Heading } from "../parts/fields.tsx";
import { Answer } from "./answer.tsx";
import { Composer } from "./composer.tsx";
import { examples } from "./examples.ts";
import { Legend } from "./legend.tsx";
import { change, clear, type Run, send, session } from "./session.ts";
import { SettingsPanel } from "./settings.tsx";

export function Playground() {
  const { settings, shown } = session.use();
  const [only, setOnly] = useState<string>();
  const scroll = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const running = shown.at(-1)?.state === "running";
  useEffect(() => {
    const element = scroll.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [shown]);
  return (
    <div class="playground">
      <div class="stage">
        <Heading title="Playground">
          <Choice
            label="Mode"
            hidden
            value={settings.mode}
            options={{ completion: "Completion", chat: "Chat" }}
            onChange={(mode) => change({ mode })}
          />
          {shown.length > 0 && (
            <button type="button" onClick={clear}>
              Clear
            </button>
          )}
        </Heading>
        {shown.length > 0 && <Legend tokens={shown.flatMap(({ tokens }) => tokens)} only={only} onOnly={setOnly} />}
        <section
          class="conversation"
          ref={scroll}
          aria-label="Generated text"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          tabIndex={0}
          onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
            atEnd.current = scrollHeight - scrollTop - clientHeight < 60;
          }}
        >
          {shown.length === 0 ? <Welcome /> : shown.map((run) => <Answer key={run.id} run={run} only={only} />)}
        </section>
        <Announcer run={shown.at(-1)} />
        <Composer running={running} />
      </div>
      <SettingsPanel />
    </div>
  );
}

function Welcome() {
  return (
    <div class="welcome">
      <h2>See where every token comes from</h2>
      <p>
        Drafters guess the next tokens, the model checks many guesses at once and keeps what it would have said anyway.
        The text is the same, only faster.
      </p>
      <ul>
        {examples.map(({ title, about, text, settings }) => (
          <li key={title}>
            <button
              type="button"
              onClick={() => {
                change(settings);
                void send(text);
              }}
            >
              <strong>{title}</strong>
              <span>{about}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The text for ears: whole sentences as they are finished, not single tokens. */
function Announcer({ run }: { readonly run: Run | undefined }) {
  const text = run?.tokens.map((token) => token.text).join("") ?? "";
  const finished = run?.state === "running" ? (/^[\s\S]*[.!?:;\n](?=\s|$)/.exec(text)?.[0] ?? "") : text;
  const sentences = finished.split(/(?<=[.!?:;\n])\s+/).filter((sentence) => sentence.trim() !== "");
  const ends = { running: "", done: "End of the text.", stopped: "Stopped.", failed: "Failed." };
  return (
    <div class="hidden" role="log" aria-live="polite" aria-label="Generated text, sentence by sentence" key={run?.id}>
      {sentences.map((sentence, i) => (
        <p key={i}>{sentence}</p>
      ))}
      {run && run.state !== "running" && <p>{ends[run.state]}</p>}
    </div>
  );
}
