import { count, percent, rate } from "../parts/format.ts";
import { Icon } from "../parts/icon.tsx";
import { Painted } from "./painted.tsx";
import { check, type Run } from "./session.ts";

/** One generation: its text, and what drafting did for it. */
export function Answer({ run, only }: { readonly run: Run; readonly only: string | undefined }) {
  const running = run.state === "running";
  return (
    <article class={`answer ${run.mode}`} aria-busy={running}>
      {run.mode === "chat" && <p class="asked">{run.prompt}</p>}
      <p class="said">
        {run.mode === "completion" && <span class="prompt">{run.prompt}</span>}
        <Painted tokens={run.tokens} only={only} />
        {running && <span class="caret" aria-hidden="true" />}
      </p>
      {run.problem && (
        <p class="problem" role="alert">
          {run.problem}
        </p>
      )}
      {!running && <Facts run={run} />}
    </article>
  );
}

function Facts({ run }: { readonly run: Run }) {
  const { rounds, tokens } = run;
  const milliseconds = rounds.reduce((sum, { trace }) => sum + trace.draftMs + trace.verifyMs, 0);
  const emitted = rounds.reduce((sum, round) => sum + round.emitted.length, 0);
  const nodes = rounds.reduce((sum, round) => sum + round.tree.parent.length, 0);
  const accepted = rounds.reduce((sum, round) => sum + round.path.length, 0);
  if (tokens.length === 0 || emitted === 0) return null;
  return (
    <div class="facts">
      <dl>
        <div>
          <dt>tokens</dt>
          <dd>{emitted}</dd>
        </div>
        <div>
          <dt>tokens/s, decoding</dt>
          <dd>{rate((1000 * emitted) / Math.max(milliseconds, 1e-9))}</dd>
        </div>
        <div>
          <dt>tokens a round</dt>
          <dd>{(emitted / rounds.length).toFixed(2)}</dd>
        </div>
        <div>
          <dt>drafts accepted</dt>
          <dd>{nodes === 0 ? "none drafted" : percent(accepted / nodes)}</dd>
        </div>
        {run.state === "stopped" && (
          <div>
            <dt>ended</dt>
            <dd>stopped</dd>
          </div>
        )}
      </dl>
      <p class="links">
        <a href="#/rounds">{count(rounds.length, "round")} as trees</a>
        {run.drafts && run.state === "done" && run.check === undefined && (
          <button type="button" class="link" onClick={() => void check(run)}>
            Compare with plain decoding
          </button>
        )}
      </p>
      {run.check !== undefined && <Checked run={run} />}
    </div>
  );
}

function Checked({ run: { check: shown } }: { readonly run: Run }) {
  if (shown === undefined) return null;
  if (shown === "running") return <p role="status">Generating the same again, with and without drafting..</p>;
  const { same, draftedPerSecond, plainPerSecond } = shown;
  return (
    <p role="status" class={same ? "verdict good" : "verdict bad"}>
      <Icon name="check" />
      <span>
        {same ? "Identical text without drafting. " : "The text differs without drafting (fast numerics?). "}
        <strong>{(draftedPerSecond / plainPerSecond).toFixed(2)}x</strong> the speed: {rate(draftedPerSecond)} tokens/s
        drafted, {rate(plainPerSecond)} plain, as they arrived here.
      </span>
    </p>
  );
}
