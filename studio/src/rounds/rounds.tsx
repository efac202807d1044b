import { useState } from "preact/hooks";
import { Heading } from "../parts/fields.tsx";
import { count, ms, percent } from "../parts/format.ts";
import { Icon } from "../parts/icon.tsx";
import { aboutSource, sourceClass } from "../parts/sources.ts";
import { examples } from "../playground/examples.ts";
import { latestRun, type Run, send, session, stop } from "../playground/session.ts";
import { decisions } from "./decisions.ts";
import { Strip } from "./strip.tsx";
import { Tree, TreeTable } from "./tree.tsx";

export function Rounds() {
  const { runs, shown } = session.use();
  const current = shown.at(-1);
  const run = current?.state === "running" ? current : latestRun(runs);
  const running = run?.state === "running";
  return (
    <div class="page">
      <Heading title="Draft trees">
        {running ? (
          <button type="button" class="stop" onClick={stop}>
            <Icon name="stop" />
            Stop
          </button>
        ) : (
          <button type="button" class="primary" onClick={() => void send(run?.prompt ?? examples[0].text)}>
            <Icon name="send" />
            {run ? "Generate again" : "Generate a sample"}
          </button>
        )}
      </Heading>
      {run && run.rounds.length > 0 ? <Watch key={run.id} run={run} /> : <Empty running={running} />}
    </div>
  );
}

function Empty({ running }: { readonly running: boolean }) {
  return (
    <div class="empty">
      <h2>{running ? "The first round is on its way.." : "Nothing generated yet"}</h2>
      <p>
        In each round, drafters propose a tree of tokens that may come next; one forward of the model checks all of it,
        and the longest branch that it agrees with is kept. Generate something here or in the playground, and watch.
      </p>
    </div>
  );
}

function Watch({ run }: { readonly run: Run }) {
  const { rounds } = run;
  // Undefined: the latest one, as long as there are more to come. What is finished opens at its best round.
  const [picked, pick] = useState(() => (run.state === "running" ? undefined : longest(rounds)));
  const at = Math.min(picked ?? rounds.length - 1, rounds.length - 1);
  const round = rounds[at];
  const before = at === 0 ? "start" : (rounds[at - 1].emitted.at(-1)?.text ?? "");
  return (
    <>
      <section class="card" aria-label="Rounds of the generation">
        <div class="timeline">
          <Strip rounds={rounds} at={at} onPick={pick} />
          <div class="timeline-keys">
            <label class="field grow">
              <span class="hidden">Round</span>
              <input
                type="range"
                min={1}
                max={Math.max(2, rounds.length)}
                value={at + 1}
                aria-valuetext={`round ${at + 1} of ${rounds.length}`}
                onInput={(event) => pick(Math.min(rounds.length, event.currentTarget.valueAsNumber) - 1)}
              />
            </label>
            <output>
              Round {at + 1} of {rounds.length}
            </output>
            <label class="check">
              <input
                type="checkbox"
                checked={picked === undefined}
                onChange={(event) => pick(event.currentTarget.checked ? undefined : at)}
              />
              Follow the latest
            </label>
          </div>
        </div>
      </section>
      <section class="card" aria-labelledby="round-heading">
        <div class="card-head">
          <h2 id="round-heading">
            Round {at + 1}
            {run.state === "running" && picked === undefined && <span class="live">live</span>}
          </h2>
          <Key run={run} />
        </div>
        <p class="emitted">
          {round.emitted.map(({ text, source }, i) => (
            <span key={i} class={`token ${sourceClass(source)}`} title={source}>
              {text}
            </span>
          ))}
        </p>
        <Tree round={round} before={before} />
        <dl class="facts-row">
          <Fact name="decision" value={decisions[round.trace.decision]} wide />
          <Fact name="emitted" value={`${round.emitted.length} of ${round.trace.expectedTokens.toFixed(1)} expected`} />
          <Fact name="accepted" value={`${round.path.length} of ${count(round.tree.parent.length, "node")}`} />
          <Fact name="verifying" value={ms(round.trace.verifyMs)} />
          <Fact name="drafting" value={ms(round.trace.draftMs)} />
          {round.trace.expectedMs > 0 && <Fact name="expected" value={ms(round.trace.expectedMs)} />}
        </dl>
        {round.tree.parent.length > 0 && (
          <details>
            <summary>The tree as a table</summary>
            <TreeTable round={round} />
          </details>
        )}
      </section>
      <Summary run={run} />
    </>
  );
}

function longest(rounds: Run["rounds"]): number {
  const lengths = rounds.map(({ path }) => path.length);
  return lengths.indexOf(Math.max(...lengths));
}

function Fact({ name, value, wide }: { readonly name: string; readonly value: string; readonly wide?: boolean }) {
  return (
    <div class={wide ? "wide" : undefined}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Sources by colour, and what the shapes mean. */
function Key({ run }: { readonly run: Run }) {
  const sources = [...new Set(run.rounds.flatMap(({ tree }) => tree.source))];
  return (
    <ul class="key" aria-label="Key">
      {sources.map((source) => (
        <li key={source} title={aboutSource(source)}>
          <i class={`dot ${sourceClass(source)}`} /> {source}
        </li>
      ))}
      <li>
        <i class="swatch accepted" /> accepted
      </li>
      <li>
        <i class="swatch rejected" /> rejected
      </li>
      <li>
        <i class="swatch own" /> the model's own
      </li>
    </ul>
  );
}

function Summary({ run: { rounds } }: { readonly run: Run }) {
  const emitted = rounds.reduce((sum, round) => sum + round.emitted.length, 0);
  const nodes = rounds.reduce((sum, { tree }) => sum + tree.parent.length, 0);
  const accepted = rounds.reduce((sum, { path }) => sum + path.length, 0);
  return (
    <p class="hint">
      So far {count(emitted, "token")} in {count(rounds.length, "round")}
      {nodes > 0 ? `, ${percent(accepted / nodes)} of ${count(nodes, "drafted node")} accepted.` : "."}
    </p>
  );
}
