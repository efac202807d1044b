import { useEffect, useRef } from "preact/hooks";
import { access } from "./api/client.ts";
import { manager, refreshModels } from "./api/models.ts";
import { Bench } from "./bench/bench.tsx";
import { Costs } from "./costs/costs.tsx";
import { Models } from "./models/models.tsx";
import { Icon } from "./parts/icon.tsx";
import { KeyField } from "./parts/key-field.tsx";
import { route, type View, views } from "./parts/router.ts";
import { ThemeSwitch } from "./parts/theme-switch.tsx";
import { Playground } from "./playground/playground.tsx";
import { Rounds } from "./rounds/rounds.tsx";
import { Sushi } from "./sushi/sushi.tsx";

const pages = { playground: Playground, rounds: Rounds, costs: Costs, models: Models, bench: Bench, sushi: Sushi };

export function App() {
  const { view } = route.use();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => void refreshModels(), []);
  useEffect(() => {
    document.title = `${views[view]} - Draftwright Studio`;
    // Whoever moves by keyboard or ear begins at the top of the new view.
    if (!first.current) toContent(main.current);
    first.current = false;
  }, [view]);
  const Page = pages[view];
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => toContent(main.current)}>
        Skip to content
      </button>
      <header class="side">
        <a class="brand" href="#/playground">
          <Icon name="logo" />
          <span>
            Draftwright <small>Studio</small>
          </span>
        </a>
        <nav aria-label="Views">
          <ul>
            {(Object.keys(views) as View[]).map((name) => (
              <li key={name}>
                <a href={`#/${name}`} aria-current={name === view ? "page" : undefined}>
                  <Icon name={name} />
                  <span>{views[name]}</span>
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="side-end">
          <Status />
          <ThemeSwitch />
        </div>
      </header>
      <main id="main" ref={main}>
        <Notice />
        <Page />
      </main>
    </div>
  );
}

function toContent(main: HTMLElement | null): void {
  main?.querySelector<HTMLElement>("h1")?.focus();
}

/** Which model answers, always in sight. */
function Status() {
  const { served, known } = manager.use();
  const model = served.find(({ isDefault }) => isDefault);
  if (!known || !model?.info) return <p class="status">{known ? "No model" : "Connecting.."}</p>;
  const { numerics, threads, device } = model.info;
  return (
    <p class="status">
      <strong>{model.id}</strong>
      <span>
        {device}, {threads} {threads === 1 ? "thread" : "threads"}
      </span>
      <span title={numerics === "exact" ? "Drafted and plain texts are identical." : "Last bits may differ."}>
        numerics: {numerics}
      </span>
    </p>
  );
}

/** A missing key, or a server that is gone. */
function Notice() {
  const { needed } = access.use();
  const { problem } = manager.use();
  if (needed) return <KeyField />;
  if (problem === undefined) return null;
  return (
    <div class="notice bad" role="alert">
      <p>{problem}</p>
      <button type="button" onClick={() => void refreshModels()}>
        Try again
      </button>
    </div>
  );
}
